import type { DecoderValues } from '../dispatch/work.ts'
import { FrameModel } from './frame-model.ts'
import type { WorkerDecoder } from './messages.ts'

/** How much of what a decoder takes the last run says; of what it was thought to take, what remains when it was not run. */
const NEWEST_SHARE = 0.25
const FORGETTING = 0.9

/** The decoders of a bundle's further tasks on this thread. */
export class TaskDecoders {
  readonly #models: ReadonlyMap<number, FrameModel>
  /** What each takes, by its last runs. */
  readonly #takesMs = new Map<number, number>()

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
   * The result of a frame, and behind it what decoders give for its latent. One that fails, gives NaN or an infinity, or would not be done within
   * `leftMs` by what it took before, is left out: the frame has its answer without it.
   */
  async behind(
    result: Float32Array<ArrayBuffer>,
    latent: Float32Array,
    ids: readonly number[],
    leftMs: () => number = () => Number.POSITIVE_INFINITY,
  ): Promise<{ readonly result: Float32Array<ArrayBuffer>; readonly decoded: readonly DecoderValues[] }> {
    const given: { readonly id: number; readonly values: Float32Array }[] = []
    for (const id of ids) {
      const model = this.#models.get(id)
      if (model === undefined || !this.#isInTime(id, leftMs())) continue
      const startMs = performance.now()
      model.rows[0]!.set(latent)
      const values = await model.run(1).then(
        ({ results }) => results[0]!,
        () => undefined,
      )
      this.#took(id, performance.now() - startMs)
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

  /** One that was slow once is given another try after a while. */
  #isInTime(id: number, leftMs: number): boolean {
    const takesMs = this.#takesMs.get(id) ?? 0
    if (takesMs <= leftMs) return true
    this.#takesMs.set(id, takesMs * FORGETTING)
    return false
  }

  #took(id: number, ms: number): void {
    const before = this.#takesMs.get(id) ?? ms
    this.#takesMs.set(id, before + NEWEST_SHARE * (ms - before))
  }

  async dispose(): Promise<void> {
    for (const model of this.#models.values()) await model.dispose()
  }
}
