import type { DecoderValues } from '../dispatch/work.ts'
import { FrameModel } from './frame-model.ts'
import type { WorkerDecoder } from './messages.ts'

/** The decoders of a bundle's further tasks on this thread. */
export class TaskDecoders {
  readonly #models: ReadonlyMap<number, FrameModel>

  private constructor(models: ReadonlyMap<number, FrameModel>) {
    this.#models = models
  }

  /** Loads each and runs it. Throws what a network throws that is no decoder of latents of `dims`. */
  static async open(
    decoders: readonly WorkerDecoder[],
    dims: readonly number[],
    intraOpThreads: number,
  ): Promise<TaskDecoders> {
    const models = new Map<number, FrameModel>()
    for (const { id, labels, model } of decoders) {
      const shape = { input: dims, output: { name: 'logits', dims: [labels] } }
      models.set(id, await FrameModel.open(model, shape, { intraOpThreads, maxBatch: 1 }))
    }
    return new TaskDecoders(models)
  }

  /**
   * The result of a frame, and behind it what decoders give for its latent. One that fails, or gives NaN or an infinity, is left out: the frame
   * has its answer without it.
   */
  async behind(
    result: Float32Array<ArrayBuffer>,
    latent: Float32Array,
    ids: readonly number[],
  ): Promise<{ readonly result: Float32Array<ArrayBuffer>; readonly decoded: readonly DecoderValues[] }> {
    const given: { readonly id: number; readonly values: Float32Array }[] = []
    for (const id of ids) {
      const model = this.#models.get(id)
      if (model === undefined) continue
      model.rows[0]!.set(latent)
      const values = await model.run(1).then(
        ({ results }) => results[0]!,
        () => undefined,
      )
      if (values?.every(Number.isFinite)) given.push({ id, values })
    }
    const whole = new Float32Array(given.reduce((sum, { values }) => sum + values.length, result.length))
    whole.set(result)
    let end = result.length
    for (const { values } of given) {
      whole.set(values, end)
      end += values.length
    }
    return { result: whole, decoded: given.map(({ id, values }) => ({ id, values: values.length })) }
  }

  async dispose(): Promise<void> {
    for (const model of this.#models.values()) await model.dispose()
  }
}
