import { openSession, type Session, type Tensor } from '@isthmus/models/runtime'
import { wireError } from '@isthmus/proto'
import type { BatchLimit } from './batch.ts'
import { openAll } from './open-all.ts'

/** What a frame takes of a model, and gives. */
export interface FrameShape {
  /** Of one frame's input, without the batch dimension. */
  readonly input: readonly number[]
  readonly output: { readonly name: string; readonly dims: readonly number[] }
}

export interface FrameModelOptions {
  readonly intraOpThreads: number
  /** Frames that are computed together, at most. */
  readonly maxBatch: number
}

/** Nobody is kept waiting for a batch that takes longer, in ms, than this; a single frame may. */
const BATCH_MS = 30
/** Of the frames that are tried together, how long they may take one by one, in ms. */
const TRIAL_MS = 250
/** By how much of the largest of its frame a number may differ when that frame is computed together with others. */
const TOLERANCE = 1e-3
/** Weight of the last run in what a frame is said to take. */
const NEWS = 0.1

const product = (dims: readonly number[]): number => dims.reduce((count, dim) => count * dim, 1)

/** A network on this thread, with a buffer for its inputs that is used again for every run. */
export class FrameModel implements BatchLimit {
  readonly #session: Session
  readonly #inputName: string
  readonly #shape: FrameShape
  readonly #inputs: Float32Array
  /** Of each frame of a batch its part of the buffer. */
  readonly rows: readonly Float32Array[]
  #frames = 1
  #frameMs = 0
  /** Of one frame's result. */
  #dims: readonly number[] = []

  private constructor(session: Session, shape: FrameShape, capacity: number) {
    const [input, ...others] = session.inputs
    if (input === undefined || others.length > 0) {
      throw wireError('TAIL_FAILED', `A tail has one input, this model has ${session.inputs.length}`)
    }
    const size = product(shape.input)
    const inputs = new Float32Array(capacity * size)
    this.#session = session
    this.#inputName = input.name
    this.#shape = shape
    this.#inputs = inputs
    this.rows = Array.from({ length: capacity }, (_, at) => inputs.subarray(at * size, (at + 1) * size))
  }

  /**
   * Loads the model, runs it so that the first frame finds everything warm, and finds out how many frames may be computed
   * together: only with a free batch dimension, and only if each then comes out as it does alone.
   */
  static open(model: Uint8Array, shape: FrameShape, options: FrameModelOptions): Promise<FrameModel> {
    return openAll(async (keep) => {
      const session = await keep(openSession(model, { intraOpThreads: options.intraOpThreads }))
      const batchIsFree = typeof session.inputs[0]?.dims[0] === 'string'
      const opened = new FrameModel(session, shape, batchIsFree ? options.maxBatch : 1)
      await opened.#warmUp()
      return opened
    })
  }

  /** How many frames may be computed together, as long as frames have taken lately. */
  get frames(): number {
    return Math.max(1, Math.min(this.#frames, Math.floor(BATCH_MS / this.#frameMs)))
  }

  /** What a frame has taken lately, in ms, with its part of what fills the rows and of what is done behind the run. */
  get frameMs(): number {
    return this.#frameMs
  }

  /**
   * Runs on the first `count` rows, which took `fillMs` to be filled; the result of each in a buffer of its own (the
   * runtime's cannot be transferred to another thread), with `dims` of one frame. Throws TAIL_FAILED and RUN_FAILED.
   */
  async run(
    count: number,
    fillMs = 0,
  ): Promise<{ results: Float32Array<ArrayBuffer>[]; dims: readonly number[] }> {
    const startMs = performance.now()
    const size = product(this.#shape.input)
    const data = count === this.rows.length ? this.#inputs : this.#inputs.subarray(0, count * size)
    const feed = { dtype: 'float32', dims: [count, ...this.#shape.input], data } as const
    const outputs = await this.#session.run({ [this.#inputName]: feed })
    const { output: expected } = this.#shape
    const output = outputs[expected.name] ?? outputs[this.#session.outputs[0]!.name]
    const results = rowsOf(output, expected, count)
    if (count === 1) this.#dims = output!.dims
    this.#frameMs += NEWS * ((fillMs + performance.now() - startMs) / count - this.#frameMs)
    return { results, dims: this.#dims }
  }

  /** Behind the last run of so many frames, something else took `ms` for all of them. */
  alsoTook(ms: number, count: number): void {
    this.#frameMs += (NEWS * ms) / count
  }

  /** `count` frames, each of which can be computed alone, could not be computed together: so many never are again. */
  failedTogether(count: number): void {
    this.#frames = Math.min(this.#frames, count - 1)
  }

  dispose(): Promise<void> {
    return this.#session.dispose()
  }

  async #warmUp(): Promise<void> {
    await this.run(1)
    const startMs = performance.now()
    await this.run(1)
    this.#frameMs = performance.now() - startMs
    // As many as may ever be: a run may be slow at the start, and those after it quick.
    const tried = Math.min(this.rows.length, Math.floor(TRIAL_MS / this.#frameMs))
    if (tried > 1 && (await this.#isSameTogether(tried))) this.#frames = tried
    this.#inputs.fill(0)
  }

  /** Each as it is alone, and unlike all others: of results that are alike nobody can tell whose they are. */
  async #isSameTogether(count: number): Promise<boolean> {
    const size = this.rows[0]!.length
    // About as large as normalised activations are; another strength and another pattern in every row.
    for (let at = 0; at < count * size; at++)
      this.#inputs[at] = ((2 * Math.ceil((at + 1) / size)) / count) * Math.sin(at * at)
    const frames = this.rows.slice(0, count).map((row) => row.slice())
    try {
      const { results: together } = await this.run(count)
      for (const [at, frame] of frames.entries()) {
        this.rows[0]!.set(frame)
        const alone = (await this.run(1)).results[0]!
        if (together.some((result, other) => isClose(alone, result) !== (other === at))) return false
      }
      return true
    } catch {
      return false
    }
  }
}

/** The results of so many frames. Throws TAIL_FAILED when the output is not what the manifest says. */
export function rowsOf(
  output: Tensor | undefined,
  { name, dims }: FrameShape['output'],
  count: number,
): Float32Array<ArrayBuffer>[] {
  const size = product(dims)
  if (output?.dtype !== 'float32' || output.data.length !== count * size) {
    throw wireError('TAIL_FAILED', `The model's output "${name}" is not float32 [${dims}]`)
  }
  const data = output.data as Float32Array
  return Array.from(
    { length: count },
    (_, at) => data.slice(at * size, (at + 1) * size) as Float32Array<ArrayBuffer>,
  )
}

/** Nothing is close to what holds a NaN or an infinity. */
function isClose(a: Float32Array, b: Float32Array): boolean {
  const largest = a.reduce((most, x) => Math.max(most, Math.abs(x)), 0)
  return a.every((x, at) => Math.abs(x - b[at]!) <= TOLERANCE * largest)
}
