import type { DecoderValues } from '../dispatch/work.ts'
import { FrameModel } from './frame-model.ts'
import type { WorkerDecoder } from './messages.ts'
import { openAll } from './open-all.ts'

/** How much of what a decoder takes the last run says. */
const NEWEST_SHARE = 0.25
/** A try that takes too long again costs a frame's answer: one left out has another after so many frames in a row. */
const TRY_AFTER = 50

/** The decoders of a bundle's further tasks on this thread. */
export class TaskDecoders {
  readonly #models: ReadonlyMap<number, FrameModel>
  /** What each takes, by its last runs, and for how many frames in a row that was too long. */
  readonly #taken = new Map<number, { readonly ms: number; readonly leftOut: number }>()

  private constructor(models: ReadonlyMap<number, FrameModel>) {
    this.#models = models
  }

  /** Loads each and runs it. Throws what a network throws that is no decoder of latents of `dims`. */
  static open(
    decoders: readonly WorkerDecoder[],
    dims: readonly number[],
    intraOpThreads: number,
  ): Promise<TaskDecoders> {
    return openAll(async (keep) => {
      const models = new Map<number, FrameModel>()
      for (const { id, labels, model } of decoders) {
        const shape = { input: dims, output: { name: 'logits', dims: [labels] } }
        models.set(id, await keep(FrameModel.open(model, shape, { intraOpThreads, maxBatch: 1 })))
      }
      return new TaskDecoders(models)
    })
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

  #isInTime(id: number, leftMs: number): boolean {
    // An answer that is late already is no time to try one.
    if (leftMs < 0) return false
    const taken = this.#taken.get(id)
    if (!taken || taken.ms <= leftMs || taken.leftOut >= TRY_AFTER) return true
    this.#taken.set(id, { ms: taken.ms, leftOut: taken.leftOut + 1 })
    return false
  }

  #took(id: number, ms: number): void {
    const before = this.#taken.get(id)
    // What was measured long ago says nothing beside a new try.
    const isNews = !before || before.leftOut >= TRY_AFTER
    this.#taken.set(id, { ms: isNews ? ms : before.ms + NEWEST_SHARE * (ms - before.ms), leftOut: 0 })
  }

  async dispose(): Promise<void> {
    for (const model of this.#models.values()) await model.dispose()
  }
}
