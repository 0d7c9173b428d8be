import type { Session } from '@isthmus/models/runtime'
import { IsthmusError } from '@isthmus/proto'

/** Which form of a model: 0 and 0 as packed, else the patch that made it. */
export interface ModelVersion {
  /** Grows when a server has begun to count anew. */
  readonly epoch: number
  readonly version: number
}

export const AS_PACKED: ModelVersion = { epoch: 0, version: 0 }

/**
 * One form of a model and its session, opened when it is first needed, and again when the thread that ran it has died. Once it is
 * retired its session ends after the last run.
 */
export class LoadedModel {
  readonly version: ModelVersion
  readonly #open: () => Promise<Session>
  #session: Promise<Session> | undefined
  #runs = 0
  #isRetired = false

  /** `open` gives a session that has been checked. */
  constructor(open: () => Promise<Session>, version: ModelVersion = AS_PACKED) {
    this.#open = open
    this.version = version
  }

  /** Throws what opening throws. */
  async opened(): Promise<Session> {
    if (!this.#session) {
      const opening = this.#open()
      this.#session = opening
      opening.catch(() => {
        if (this.#session === opening) this.#session = undefined
      })
    }
    return this.#session
  }

  /** Lets a run have the session; it stays open until the run is over. */
  async use<T>(run: (session: Session) => Promise<T>): Promise<T> {
    this.#runs++
    try {
      return await run(await this.opened())
    } catch (error) {
      if (error instanceof IsthmusError && error.code === 'WORKER_DIED') this.#session = undefined
      throw error
    } finally {
      this.#runs--
      if (this.#isRetired && this.#runs === 0) await this.#dispose()
    }
  }

  /** Nothing will be asked of it any more. */
  async retire(): Promise<void> {
    this.#isRetired = true
    if (this.#runs === 0) await this.#dispose()
  }

  async #dispose(): Promise<void> {
    const session = this.#session
    this.#session = undefined
    await session?.then((opened) => opened.dispose()).catch(() => {})
  }
}
