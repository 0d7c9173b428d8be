import { corrections, type Optimizer, type TrainingState, type TrainingStep } from '../autodiff/index.ts'
import { modelError } from '../errors.ts'
import { writeModel } from '../onnx/index.ts'
import { openSession, openWorkerSession, type Session, type Tensor } from '../runtime/index.ts'
import { meanOf, rowsOf } from './replicas.ts'

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
  /**
   * Copies of the step that run at once, each on its share of the rows that are fed, with `threads` of its own; the states that they end in are
   * averaged. For SGD that is one step by the mean gradient, each copy normalising by its own rows; for Adam the mean of the steps that each copy
   * would take. Default 1.
   */
  readonly replicas?: number
}

const scalar = (value: number): Tensor => ({ dtype: 'float32', dims: [], data: Float32Array.of(value) })
const vector = (data: Float32Array): Tensor => ({ dtype: 'float32', dims: [data.length], data })

/** All sessions, or none: what was opened beside one that failed is disposed of. */
async function allOpened(openings: readonly Promise<Session>[]): Promise<Session[]> {
  const outcomes = await Promise.allSettled(openings)
  const sessions = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  if (!failed) return sessions
  await Promise.all(sessions.map((session) => session.dispose()))
  throw failed.reason
}

/**
 * Runs one training step after another and keeps the state between them. Blocks its thread while a step computes, but for replicas, which
 * have threads of their own.
 */
export class StepRunner {
  readonly step: TrainingStep
  /** After the last step. */
  state: TrainingState
  stepsDone: number
  readonly #sessions: readonly Session[]
  readonly #optimizer: Optimizer
  readonly #names: readonly string[]

  private constructor(step: TrainingStep, sessions: readonly Session[], options: StepRunnerOptions) {
    this.step = step
    this.#sessions = sessions
    this.#optimizer = options.optimizer
    this.#names = Object.keys(step.stateLengths)
    this.state = options.start ?? step.initialState()
    this.stepsDone = options.stepsDone ?? 0
  }

  /**
   * Throws BAD_OPTION for replicas that are no whole number from 1 on.
   */
  static async open(step: TrainingStep, options: StepRunnerOptions): Promise<StepRunner> {
    const { replicas = 1, threads = 1, spinning = false } = options
    if (!Number.isSafeInteger(replicas) || replicas < 1)
      throw modelError('BAD_OPTION', `Replicas are a whole number from 1 on, not ${replicas}.`)
    // Layout transformations gain nothing here, since the weights change at every step.
    const settings = { intraOpThreads: threads, spinning, graphOptimization: 'extended' } as const
    const model = writeModel(step.model)
    const sessions =
      replicas === 1
        ? [await openSession(model, settings)]
        : await allOpened(Array.from({ length: replicas }, () => openWorkerSession(model, settings)))
    return new StepRunner(step, sessions, options)
  }

  /**
   * One step. Resolves to the outputs of the step, the loss among them.
   *
   * @param feeds the inputs of the forward graph; with replicas, the rows of all of them
   * @throws TRAINING_DIVERGED when the loss is no number, BAD_FEED for what is not as the step was compiled for, or does not divide by the replicas
   */
  async run(feeds: Readonly<Record<string, Tensor>>, rate: number): Promise<Record<string, Tensor>> {
    const { step, state } = this
    const shared: Record<string, Tensor> = { rate: scalar(rate) }
    corrections(this.#optimizer, this.stepsDone + 1).forEach((value, index) => {
      shared[step.corrections[index]!] = scalar(value)
    })
    for (const name of this.#names) shared[name] = vector(state[name]!)
    const count = this.#sessions.length
    const results = await Promise.all(
      this.#sessions.map((session, at) => session.run({ ...rowsOf(feeds, at, count), ...shared })),
    )
    const result = count === 1 ? results[0]! : meanOf(results)
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

  async dispose(): Promise<void> {
    await Promise.all(this.#sessions.map((session) => session.dispose()))
  }
}
