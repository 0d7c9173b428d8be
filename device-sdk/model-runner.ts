import type { Session } from '@isthmus/models/runtime'
import { deviceError } from './errors.ts'
import { allFinite } from './guesses.ts'
import { AS_PACKED, LoadedModel, type ModelVersion } from './loaded-model.ts'

/** What a model gave, and which form of it. */
export interface ModelAnswer {
  readonly output: Float32Array
  readonly version: ModelVersion
}

/** The first runs of a session are slow, in a thread that has rested some dozen: no frame has to bear them. A large network is run a few times only. */
const WARM_UP_RUNS = 30
const WARM_UP_MS = 20
const LEAST_WARM_UP_RUNS = 3
/** Buffers of results that are kept to be used again: as many as frames are usually in a device at once. */
const MOST_SPARE = 4

/**
 * Runs one model of the bundle: float32 in, float32 out. Opens its session again when the thread that ran it has
 * died, so that one lost run is all that it costs. Another form of the model can take over between two runs.
 */
export class ModelRunner {
  readonly #dims: readonly number[]
  readonly #output: string
  readonly #what: string
  #model: LoadedModel
  #backlog = 0
  #closed = false
  #spare: ArrayBuffer[] = []

  /** `what` names the model in errors; `dims` are those of its input; `output` is taken where the model has it. */
  constructor(open: () => Promise<Session>, what: string, dims: readonly number[], output: string) {
    this.#what = what
    this.#dims = dims
    this.#output = output
    this.#model = this.#loaded(open, AS_PACKED)
  }

  /** Runs asked for that have not come back. */
  get backlog(): number {
    return this.#backlog
  }

  /** The form of the model that the next run has. */
  get version(): ModelVersion {
    return this.#model.version
  }

  /** Opens the session now. Throws BAD_BUNDLE when the model does not take the bundle's input. */
  async open(): Promise<void> {
    if (this.#closed) throw closed()
    await this.#model.opened()
  }

  /** `tensor` must not be written to until this settles. */
  async run(tensor: Float32Array): Promise<Float32Array> {
    return (await this.answer(tensor)).output
  }

  /** The same, and which form of the model it was: the one that was there when this was called, whatever comes meanwhile. */
  async answer(tensor: Float32Array): Promise<ModelAnswer> {
    if (this.#closed) throw closed()
    const model = this.#model
    this.#backlog++
    try {
      return { output: await this.runOn(model, tensor), version: model.version }
    } finally {
      this.#backlog--
    }
  }

  /** Takes a result back that nobody reads any more: a later run may use its memory. */
  giveBack({ buffer, byteLength }: Float32Array): void {
    const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength && byteLength > 0
    if (isWhole && this.#spare.length < MOST_SPARE) this.#spare.push(buffer)
  }

  /**
   * Another form of the model, opened, checked as the bundle's own was, and run a few times; what answers goes on undisturbed.
   * Throws what opening and running throw. Whoever does not `swap` it in has to `retire` it.
   */
  async prepare(open: () => Promise<Session>, version: ModelVersion): Promise<LoadedModel> {
    const model = this.#loaded(open, version)
    try {
      const tensor = new Float32Array(this.#dims.reduce((product, dim) => product * dim, 1))
      const untilMs = performance.now() + WARM_UP_MS
      const isCold = (run: number) =>
        run < LEAST_WARM_UP_RUNS || (run < WARM_UP_RUNS && performance.now() < untilMs)
      for (let run = 0; isCold(run); run++)
        if (!allFinite(await this.runOn(model, tensor)))
          throw deviceError('LOCAL_FAILED', `The ${this.#what} model gives NaN or an infinity.`)
      if (this.#closed) throw closed()
      return model
    } catch (error) {
      await model.retire()
      throw error
    }
  }

  /** From the next run on `model` answers. Returns the one that did before: to be kept, or retired. */
  swap(model: LoadedModel): LoadedModel {
    const before = this.#model
    this.#model = model
    return before
  }

  /** Runs a form of the model that may not be the one that answers. */
  runOn(model: LoadedModel, tensor: Float32Array): Promise<Float32Array> {
    return model.use(async (session) => {
      const feeds = {
        [session.inputs[0]!.name]: { dtype: 'float32', dims: this.#dims, data: tensor },
      } as const
      const spare = this.#spare
      this.#spare = []
      const results = await session.run(feeds, spare)
      const result = results[this.#output] ?? results[session.outputs[0]!.name]
      if (!(result?.data instanceof Float32Array)) {
        throw deviceError('BAD_BUNDLE', `The ${this.#what} model's output is not float32.`)
      }
      return result.data
    })
  }

  async dispose(): Promise<void> {
    this.#closed = true
    await this.#model.retire()
  }

  #loaded(open: () => Promise<Session>, version: ModelVersion): LoadedModel {
    return new LoadedModel(async () => this.#checked(await open()), version)
  }

  async #checked(session: Session): Promise<Session> {
    const [input, ...others] = session.inputs
    const fits =
      input?.dtype === 'float32' &&
      others.length === 0 &&
      input.dims.length === this.#dims.length &&
      input.dims.every((dim, axis) => typeof dim === 'string' || dim === this.#dims[axis])
    if (fits) return session
    await session.dispose()
    const takes = input ? `${input.dtype} [${input.dims.join(', ')}]` : 'nothing'
    const needs = `one float32 [${this.#dims.join(', ')}]`
    throw deviceError('BAD_BUNDLE', `The ${this.#what} model takes ${takes}, the manifest says ${needs}.`)
  }
}

const closed = () => deviceError('CLOSED', 'The device has been closed.')
