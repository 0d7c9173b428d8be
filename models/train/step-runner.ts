import { corrections, type Optimizer, type TrainingState, type TrainingStep } from '../autodiff/index.ts'
import { modelError } from '../errors.ts'
import { writeModel } from '../onnx/index.ts'
import { openSession, type Session, type Tensor } from '../runtime/index.ts'

export interface StepRunnerOptions {
  readonly optimizer: Optimizer
  /** Where to start instead of the step's own initial state. */
  readonly start?: TrainingState
  /** Steps that `start` has behind it. Default 0. */
  readonly stepsDone?: number
  /** Threads of an operator. Default 1. The same number gives the same result. */
  readonly threads?: number
  /** Let threads that wait for work spin. Default false. */
  readonly spinning?: boolean
}

const scalar = (value: number): Tensor => ({ dtype: 'float32', dims: [], data: Float32Array.of(value) })
const vector = (data: Float32Array): Tensor => ({ dtype: 'float32', dims: [data.length], data })

/** Runs one training step after another and keeps the state between them. Blocks its thread while a step computes. */
export class StepRunner {
  readonly step: TrainingStep
  /** After the last step. */
  state: TrainingState
  stepsDone: number
  readonly #session: Session
  readonly #optimizer: Optimizer
  readonly #names: readonly string[]

  private constructor(step: TrainingStep, session: Session, options: StepRunnerOptions) {
    this.step = step
    this.#session = session
    this.#optimizer = options.optimizer
    this.#names = Object.keys(step.stateLengths)
    this.state = options.start ?? step.initialState()
    this.stepsDone = options.stepsDone ?? 0
  }

  static async open(step: TrainingStep, options: StepRunnerOptions): Promise<StepRunner> {
    // Layout transformations gain nothing here, since the weights change at every step.
    const session = await openSession(writeModel(step.model), {
      intraOpThreads: options.threads ?? 1,
      spinning: options.spinning ?? false,
      graphOptimization: 'extended',
    })
    return new StepRunner(step, session, options)
  }

  /**
   * One step. Resolves to the outputs of the step, the loss among them.
   *
   * @param feeds the inputs of the forward graph
   * @throws TRAINING_DIVERGED when the loss is no number
   */
  async run(feeds: Readonly<Record<string, Tensor>>, rate: number): Promise<Record<string, Tensor>> {
    const { step, state } = this
    const all: Record<string, Tensor> = { ...feeds, rate: scalar(rate) }
    corrections(this.#optimizer, this.stepsDone + 1).forEach((value, index) => {
      all[step.corrections[index]!] = scalar(value)
    })
    for (const name of this.#names) all[name] = vector(state[name]!)
    const result = await this.#session.run(all)
    const loss = result[step.loss]!.data[0] as number
    if (!Number.isFinite(loss)) {
      throw modelError('TRAINING_DIVERGED', `The loss is ${loss} at step ${this.stepsDone + 1}.`)
    }
    this.state = Object.fromEntries(
      this.#names.map((name) => [name, result[`next.${name}`]!.data as Float32Array]),
    )
    this.stepsDone++
    return result
  }

  dispose(): Promise<void> {
    return this.#session.dispose()
  }
}
