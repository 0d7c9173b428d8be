import type { Manifest, Mode } from '@isthmus/models/bundle'
import { dequantize } from '@isthmus/models/codec'
import { IsthmusError, isWireErrorCode, wireError } from '@isthmus/proto'
import type { Failure, TailOutcome, TailWork } from '../dispatch/work.ts'
import { AdaptedTail } from './adapted-tail.ts'
import { decodeImage, normalise } from './decode-image.ts'
import { FrameModel, type FrameModelOptions, rowsOf } from './frame-model.ts'
import type { WorkerBundle } from './messages.ts'
import { openAll } from './open-all.ts'
import { TaskDecoders } from './task-decoders.ts'

type Route = 'split' | 'edge'

/** The tail and the full model of one bundle on this thread: from coded payloads to results. */
export class BundleTails {
  readonly #manifest: Manifest
  readonly #modes: ReadonlyMap<number, Mode>
  readonly #models: Readonly<Record<Route, FrameModel | undefined>>
  readonly #adapted: AdaptedTail | undefined
  readonly #decoders: TaskDecoders

  private constructor(
    manifest: Manifest,
    models: Readonly<Record<Route, FrameModel | undefined>>,
    adapted: AdaptedTail | undefined,
    decoders: TaskDecoders,
  ) {
    this.#manifest = manifest
    this.#adapted = adapted
    this.#decoders = decoders
    this.#modes = new Map(manifest.modes.map((mode) => [mode.id, mode]))
    this.#models = models
  }

  /** Loads the models and warms them up. */
  static open(bundle: WorkerBundle, options: FrameModelOptions): Promise<BundleTails> {
    const { manifest, tail, full, decoders = [] } = bundle
    const { latent, input, output } = manifest
    return openAll(async (keep) => {
      const frames = (model: Uint8Array, dims: readonly number[]) =>
        keep(FrameModel.open(model, { input: dims, output }, options))
      const split = tail && latent ? await frames(tail, latent.dims) : undefined
      const edge = full ? await frames(full, input.dims) : undefined
      const adapted =
        split && bundle.adapts ? await keep(AdaptedTail.open(tail!, options.intraOpThreads)) : undefined
      const tasks = await keep(TaskDecoders.open(decoders, latent?.dims ?? [], options.intraOpThreads))
      return new BundleTails(manifest, { split, edge }, adapted, tasks)
    })
  }

  /** By route, how many frames are computed together at most. */
  get batches(): Readonly<Record<Route, number>> {
    const { split, edge } = this.#models
    return { split: split?.frames ?? 1, edge: edge?.frames ?? 1 }
  }

  /** What computes this work, if it may be computed together with others that have the same. */
  sharedBy(work: TailWork): FrameModel | undefined {
    return work.tail?.parameters ? undefined : this.#modelOf(work)
  }

  /**
   * Decodes and computes frames of one kind (see {@link sharedBy}), or one frame. Never throws. One that breaks the
   * batch does not harm the others: each is then computed alone. Decoders that would keep an answer longer than `leftMs` are left out.
   */
  async compute(
    works: readonly TailWork[],
    leftMs: () => number = () => Number.POSITIVE_INFINITY,
  ): Promise<TailOutcome[]> {
    const model = this.#modelOf(works[0]!)
    if (!model) return works.map(({ mode }) => failure(notOffered(mode)))
    const outcomes: TailOutcome[] = []
    const decoded: { readonly at: number; readonly decodeMs: number }[] = []
    const beginMs = performance.now()
    for (const [at, work] of works.entries()) {
      const startMs = performance.now()
      try {
        await this.#decode(work, model.rows[decoded.length]!)
        decoded.push({ at, decodeMs: performance.now() - startMs })
      } catch (error) {
        outcomes[at] = failure(error)
      }
    }
    if (decoded.length === 0) return outcomes
    const startMs = performance.now()
    try {
      const fillMs = startMs - beginMs
      const { results, dims, tail } = await this.#answer(model, decoded.length, fillMs, works[0]!.tail)
      const tailMs = performance.now() - startMs
      for (const [row, { at, decodeMs }] of decoded.entries()) {
        const result = results[row]!
        const done = { ok: true, result, dims, ...(tail ? { tail } : {}), decodeMs, tailMs } as const
        outcomes[at] = allFinite(result) ? { ...done, batch: decoded.length } : failure(notFinite())
      }
      const ownMs = await this.#runDecoders(works, decoded, model, outcomes, leftMs)
      if (!tail) model.alsoTook(ownMs, decoded.length)
    } catch (error) {
      for (const { at } of decoded) {
        outcomes[at] = decoded.length === 1 ? failure(error) : (await this.compute([works[at]!], leftMs))[0]!
      }
      if (decoded.length > 1 && decoded.every(({ at }) => outcomes[at]!.ok)) {
        model.failedTogether(decoded.length)
      }
    }
    return outcomes
  }

  async close(): Promise<void> {
    await this.#models.split?.dispose()
    await this.#models.edge?.dispose()
    await this.#adapted?.dispose()
    await this.#decoders.dispose()
  }

  #modelOf({ mode }: TailWork): FrameModel | undefined {
    const route = this.#modes.get(mode)?.route
    return route === 'split' || route === 'edge' ? this.#models[route] : undefined
  }

  /** Of each frame that wants some. Returns what that took, in ms. */
  async #runDecoders(
    works: readonly TailWork[],
    decoded: readonly { readonly at: number }[],
    model: FrameModel,
    outcomes: TailOutcome[],
    leftMs: () => number,
  ): Promise<number> {
    let allMs = 0
    for (const [row, { at }] of decoded.entries()) {
      const { decoders = [] } = works[at]!
      const outcome = outcomes[at]!
      if (decoders.length === 0 || !outcome.ok) continue
      const startMs = performance.now()
      const more = await this.#decoders.behind(outcome.result, model.rows[row]!, decoders, leftMs)
      const ownMs = performance.now() - startMs
      allMs += ownMs
      outcomes[at] = { ...outcome, ...more, tailMs: outcome.tailMs + ownMs, ownMs }
    }
    return allMs
  }

  /** By the form of the tail that the work names. One that breaks costs a second run where the packed one fits, too. */
  async #answer(model: FrameModel, count: number, fillMs: number, tail: TailWork['tail']) {
    if (!tail?.parameters) return { ...(await model.run(count, fillMs)), tail: undefined }
    if (!this.#adapted) throw wireError('PATCH_MISMATCH', 'The tail has no normalisations to adapt')
    const { latent, output } = this.#manifest
    const feed = { dtype: 'float32', dims: [1, ...latent!.dims], data: model.rows[0]! } as const
    const made = await this.#adapted.run(feed, tail.parameters)
    const results = rowsOf(made, output, 1)
    if (tail.orPacked && !allFinite(results[0]!)) return { ...(await model.run(1, fillMs)), tail: undefined }
    const { version, epoch } = tail
    return { results, dims: made.dims, tail: { version, epoch } }
  }

  async #decode(work: TailWork, into: Float32Array): Promise<void> {
    const mode = this.#modes.get(work.mode)
    const { payload, scale, zeroPoint } = work
    if (mode?.route === 'split') {
      const range = scale === undefined || zeroPoint === undefined ? undefined : { scale, zeroPoint }
      // Throws NOT_FINITE rather than give a NaN or an infinity.
      dequantize(payload, into.length, mode.quantizer, range, into)
    } else if (mode?.route === 'edge') {
      await this.#decodeInput(payload, mode.image.codec, into)
    } else {
      throw notOffered(work.mode)
    }
  }

  async #decodeInput(
    payload: TailWork['payload'],
    codec: Extract<Mode, { route: 'edge' }>['image']['codec'],
    into: Float32Array,
  ): Promise<void> {
    const { input } = this.#manifest
    const pixels = codec === 'raw' ? payload : await decodeImage(payload, codec, input)
    if (pixels.length !== into.length) {
      throw wireError('BAD_SHAPE', `The image has ${pixels.length} values, the model takes ${into.length}`)
    }
    normalise(pixels, input, into)
  }
}

const allFinite = (values: Float32Array): boolean => values.every(Number.isFinite)

const notOffered = (mode: number) => wireError('ROUTE_NOT_OFFERED', `Mode ${mode} is not computed here`)

/** No device could use it, and an error says why. */
const notFinite = () => wireError('TAIL_FAILED', 'The result holds NaN or an infinity')

function failure(error: unknown): Failure {
  const detail = error instanceof Error ? error.message : String(error)
  const code = error instanceof IsthmusError && isWireErrorCode(error.code) ? error.code : 'TAIL_FAILED'
  return { ok: false, code, detail }
}
