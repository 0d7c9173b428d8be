import { type Model, writeModel } from '../onnx/index.ts'
import { openSession, type Session, type Tensor } from '../runtime/index.ts'
import type { Normalisation } from './graph-with-norms.ts'
import type { BatchMoments } from './norm-gradient.ts'
import type { NormLayout } from './norm-layers.ts'
import type { NormParameters } from './norm-parameters.ts'
import { momentsOf, parameterFeeds, withParameterInputs } from './parameter-inputs.ts'

/** Answers of a network whose normalisation parameters come with each run, so that a step of an adaptation needs no new session. */
export class NormForward {
  readonly #session: Session
  readonly #input: string
  readonly #logits: string
  readonly #layout: NormLayout

  private constructor(session: Session, model: Model, layout: NormLayout) {
    this.#session = session
    this.#input = model.graph.inputs[0]!.name
    this.#logits = model.graph.outputs[0]!.name
    this.#layout = layout
  }

  static async open(
    model: Model,
    layout: NormLayout,
    normalisation: Normalisation,
    threads = 1,
  ): Promise<NormForward> {
    const session = await openSession(writeModel(withParameterInputs(model, layout, normalisation)), {
      intraOpThreads: threads,
    })
    return new NormForward(session, model, layout)
  }

  /** Logits [rows, classes] of a batch. */
  async run(images: Tensor, parameters: NormParameters): Promise<Tensor<'float32'>> {
    return (await this.#values(images, parameters))[this.#logits] as Tensor<'float32'>
  }

  /** Normalised by batch: also the mean and the (biased) variance in front of each layer. */
  async runWithMoments(
    images: Tensor,
    parameters: NormParameters,
  ): Promise<{ logits: Tensor<'float32'>; moments: BatchMoments }> {
    const values = await this.#values(images, parameters)
    return {
      logits: values[this.#logits] as Tensor<'float32'>,
      moments: momentsOf(values, this.#layout),
    }
  }

  dispose(): Promise<void> {
    return this.#session.dispose()
  }

  #values(images: Tensor, parameters: NormParameters): Promise<Record<string, Tensor>> {
    return this.#session.run({ [this.#input]: images, ...parameterFeeds(parameters) })
  }
}
