import type { PatchReason } from '@isthmus/proto'
import type { Clock } from '../clock.ts'
import type { ModelVersion } from '../loaded-model.ts'

/** Where a request goes; false when it could not be sent. */
export type AskForPatch = (reason: PatchReason, refused: ModelVersion | undefined) => boolean

const FIRST_PAUSE_MS = 10_000
const LONGEST_PAUSE_MS = 600_000
/** A retained patch comes at once after subscribing; one that has not come after this long is not there. */
const START_MS = 5000

/**
 * When a device asks for a patch: at most one request at a time, with pauses that grow until a patch is adopted, so that whatever comes at
 * the family's topic makes no flood.
 */
export class PatchRequests {
  readonly #clock: Clock
  readonly #ask: AskForPatch
  #wanted: { readonly reason: PatchReason; readonly refused: ModelVersion | undefined } | undefined
  #notBeforeMs = Number.NEGATIVE_INFINITY
  #pauseMs = FIRST_PAUSE_MS
  #onlineSinceMs: number | undefined
  #heard = false
  sent = 0

  constructor(clock: Clock, ask: AskForPatch) {
    this.#clock = clock
    this.#ask = ask
  }

  want(reason: PatchReason, refused?: ModelVersion): void {
    // That a version was refused is said once and must not be lost behind a plainer wish.
    if (this.#wanted?.reason !== 'rolledBack' || reason === 'rolledBack') this.#wanted = { reason, refused }
    this.#send()
  }

  /** Something came at one of the topics. */
  heard(): void {
    this.#heard = true
  }

  /** The wish is granted: the next one need not wait. */
  adopted(): void {
    if (this.#wanted?.reason !== 'rolledBack') this.#wanted = undefined
    this.#pauseMs = FIRST_PAUSE_MS
    this.#notBeforeMs = Number.NEGATIVE_INFINITY
  }

  tick(isOnline: boolean): void {
    const nowMs = this.#clock.now()
    if (!isOnline) {
      this.#onlineSinceMs = undefined
      this.#heard = false
      return
    }
    this.#onlineSinceMs ??= nowMs
    if (!this.#heard && nowMs - this.#onlineSinceMs >= START_MS) {
      this.#heard = true
      this.#wanted ??= { reason: 'start', refused: undefined }
    }
    this.#send()
  }

  #send(): void {
    const nowMs = this.#clock.now()
    if (!this.#wanted || nowMs < this.#notBeforeMs) return
    const { reason, refused } = this.#wanted
    if (!this.#ask(reason, refused)) return
    this.sent++
    this.#wanted = undefined
    this.#notBeforeMs = nowMs + this.#pauseMs
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS)
  }
}
