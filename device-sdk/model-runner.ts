import type { Session } from '@isthmus/models/runtime'
import { IsthmusError } from '@isthmus/proto'
import { deviceError } from './errors.ts'

/**
 * Runs one model of the bundle: float32 in, float32 out. Opens its session again when the thread that ran it has
 * died, so that one lost run is all that it costs.
 */
export class ModelRunner {
  readonly #open: () => Promise<Session>
  readonly #dims: readonly number[]
  readonly #output: string
  readonly #what: string
  #session: Promise<Session> | undefined
  #backlog = 0
  #closed = false

  /** `what` names the model in errors; `dims` are those of its input; `output` is taken where the model has it. */
  constructor(open: () => Promise<Session>, what: string, dims: readonly number[], output: string) {
    this.#open = open
    this.#what = what
    this.#dims = dims
    this.#output = output
  }

  /** Runs asked for that have not come back. */
  get backlog(): number {
    return this.#backlog
  }

  /** Opens the session now. Throws BAD_BUNDLE when the model does not take the bundle's input. */
  async open(): Promise<void> {
    await this.#opened()
  }

  /** `tensor` must not be written to until this settles. */
  async run(tensor: Float32Array): Promise<Float32Array> {
    this.#backlog++
    try {
      const session = await this.#opened()
      const feeds = {
        [session.inputs[0]!.name]: { dtype: 'float32', dims: this.#dims, data: tensor },
      } as const
      const results = await session.run(feeds)
      const result = results[this.#output] ?? results[session.outputs[0]!.name]
      if (!(result?.data instanceof Float32Array)) {
        throw deviceError('BAD_BUNDLE', `The ${this.#what} model's output is not float32.`)
      }
      return result.data
    } catch (error) {
      if (error instanceof IsthmusError && error.code === 'WORKER_DIED') this.#session = undefined
      throw error
    } finally {
      this.#backlog--
    }
  }

  async dispose(): Promise<void> {
    this.#closed = true
    const session = await this.#session?.catch(() => undefined)
    await session?.dispose()
  }

  #opened(): Promise<Session> {
    if (this.#closed) return Promise.reject(deviceError('CLOSED', 'The device has been closed.'))
    if (!this.#session) {
      const opening = this.#open().then((session) => this.#checked(session))
      this.#session = opening
      opening.catch(() => {
        if (this.#session === opening) this.#session = undefined
      })
    }
    return this.#session
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
