import type { Manifest, Mode } from '@isthmus/models/bundle'
import { dequantize } from '@isthmus/models/codec'
import { openSession, type Session, type Tensor } from '@isthmus/models/runtime'
import { IsthmusError, isWireErrorCode, wireError } from '@isthmus/proto'
import type { TailOutcome, TailWork } from '../dispatch/work.ts'
import { AdaptedTail } from './adapted-tail.ts'
import { decodeImage, normalise } from './decode-image.ts'
import type { WorkerBundle } from './messages.ts'

type SplitMode = Extract<Mode, { route: 'split' }>
type EdgeMode = Extract<Mode, { route: 'edge' }>

const product = (dims: readonly number[]): number => dims.reduce((count, dim) => count * dim, 1)

/** One model with a buffer for its input, which is used again for every frame. */
interface Part {
  readonly session: Session
  readonly inputName: string
  readonly dims: readonly number[]
  readonly input: Float32Array
}

async function openPart(model: Uint8Array, dims: readonly number[], intraOpThreads: number): Promise<Part> {
  const session = await openSession(model, { intraOpThreads })
  const [input, ...others] = session.inputs
  if (input === undefined || others.length > 0) {
    throw wireError('TAIL_FAILED', `A tail has one input, this model has ${session.inputs.length}`)
  }
  return { session, inputName: input.name, dims: [1, ...dims], input: new Float32Array(product(dims)) }
}

/** The tail and the full model of one bundle on this thread: from a coded payload to a result. */
export class BundleTails {
  readonly #manifest: Manifest
  readonly #modes: ReadonlyMap<number, Mode>
  readonly #tail: Part | undefined
  readonly #full: Part | undefined
  readonly #adapted: AdaptedTail | undefined

  private constructor(
    manifest: Manifest,
    tail: Part | undefined,
    full: Part | undefined,
    adapted: AdaptedTail | undefined,
  ) {
    this.#manifest = manifest
    this.#adapted = adapted
    this.#modes = new Map(manifest.modes.map((mode) => [mode.id, mode]))
    this.#tail = tail
    this.#full = full
  }

  /** Loads the models and runs each twice, so that the first frame finds everything warm. */
  static async open(bundle: WorkerBundle, intraOpThreads: number): Promise<BundleTails> {
    const { manifest, tail, full } = bundle
    const { latent, input } = manifest
    const tailPart = tail && latent ? await openPart(tail, latent.dims, intraOpThreads) : undefined
    const fullPart = full ? await openPart(full, input.dims, intraOpThreads) : undefined
    const adapted = tailPart && bundle.adapts ? await AdaptedTail.open(tail!, intraOpThreads) : undefined
    const tails = new BundleTails(manifest, tailPart, fullPart, adapted)
    for (const part of [tailPart, fullPart]) {
      if (!part) continue
      await tails.#run(part)
      await tails.#run(part)
    }
    return tails
  }

  /** Decodes and computes one frame. Never throws. */
  async compute(work: TailWork): Promise<TailOutcome> {
    try {
      const mode = this.#modes.get(work.mode)
      const startMs = performance.now()
      const part = await this.#decode(work, mode)
      const decodedMs = performance.now()
      const { result, dims, tail } = await this.#answer(part, work.tail)
      // No device could use it, and an error says why.
      if (!allFinite(result)) throw wireError('TAIL_FAILED', 'The result holds NaN or an infinity')
      const decodeMs = decodedMs - startMs
      const tailMs = performance.now() - decodedMs
      return { ok: true, result, dims, ...(tail ? { tail } : {}), decodeMs, tailMs }
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error)
      const code = error instanceof IsthmusError && isWireErrorCode(error.code) ? error.code : 'TAIL_FAILED'
      return { ok: false, code, detail }
    }
  }

  async close(): Promise<void> {
    await this.#tail?.session.dispose()
    await this.#full?.session.dispose()
    await this.#adapted?.dispose()
  }

  /** By the form of the tail that the work names. One that breaks costs a second run where the packed one fits, too. */
  async #answer(part: Part, tail: TailWork['tail']) {
    if (!tail?.parameters) return { ...(await this.#run(part)), tail: undefined }
    if (!this.#adapted) throw wireError('PATCH_MISMATCH', 'The tail has no normalisations to adapt')
    const latent = { dtype: 'float32', dims: part.dims, data: part.input } as const
    const made = this.#checked(await this.#adapted.run(latent, tail.parameters))
    if (tail.orPacked && !allFinite(made.result)) return { ...(await this.#run(part)), tail: undefined }
    const { version, epoch } = tail
    return { ...made, tail: { version, epoch } }
  }

  async #decode(work: TailWork, mode: Mode | undefined): Promise<Part> {
    if (mode?.route === 'split' && this.#tail) return this.#decodeLatent(work, mode, this.#tail)
    if (mode?.route === 'edge' && this.#full) return this.#decodeInput(work, mode, this.#full)
    throw wireError('ROUTE_NOT_OFFERED', `Mode ${work.mode} is not computed here`)
  }

  #decodeLatent({ payload, scale, zeroPoint }: TailWork, { quantizer }: SplitMode, part: Part): Part {
    const range = scale === undefined || zeroPoint === undefined ? undefined : { scale, zeroPoint }
    // Throws NOT_FINITE rather than give a NaN or an infinity.
    dequantize(payload, part.input.length, quantizer, range, part.input)
    return part
  }

  async #decodeInput({ payload }: TailWork, { image }: EdgeMode, part: Part): Promise<Part> {
    const { input } = this.#manifest
    const pixels = image.codec === 'raw' ? payload : await decodeImage(payload, image.codec, input)
    if (pixels.length !== part.input.length) {
      throw wireError(
        'BAD_SHAPE',
        `The image has ${pixels.length} values, the model takes ${part.input.length}`,
      )
    }
    normalise(pixels, input, part.input)
    return part
  }

  async #run({ session, inputName, dims, input }: Part) {
    const outputs = await session.run({ [inputName]: { dtype: 'float32', dims, data: input } })
    return this.#checked(outputs[this.#manifest.output.name] ?? outputs[session.outputs[0]!.name])
  }

  #checked(output: Tensor | undefined) {
    if (output?.dtype !== 'float32' || output.data.length !== product(this.#manifest.output.dims)) {
      const { name, dims: wanted } = this.#manifest.output
      throw wireError('TAIL_FAILED', `The model's output "${name}" is not float32 [${wanted}]`)
    }
    // A buffer of its own: the runtime's cannot be transferred to another thread.
    const result = (output.data as Float32Array).slice() as Float32Array<ArrayBuffer>
    return { result, dims: output.dims }
  }
}

const allFinite = (values: Float32Array): boolean => values.every(Number.isFinite)
