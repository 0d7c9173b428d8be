import type { wireErrorCodeOf } from '@isthmus/proto'
import type { FallbackCode } from './fallback.ts'

type WireErrorCode = ReturnType<typeof wireErrorCodeOf>

/** However long a server asks to be left alone, in ms. */
const LONGEST_PAUSE_MS = 30_000

/** What the server has said that it will not take before its next birth, and until when it wants to be left alone. */
export class ServerRefusals {
  readonly #modes = new Set<number>()
  #stages = false
  #samples = false
  #pausedUntilMs = Number.NEGATIVE_INFINITY

  /** Whether it learns nothing from samples of this device's networks. */
  get samples(): boolean {
    return this.#samples
  }

  /** Why it takes no request now; with `mode`, also whether that mode was refused. */
  of(nowMs: number, mode?: number): FallbackCode | undefined {
    if (nowMs < this.#pausedUntilMs) return 'SERVER_BUSY'
    if (mode !== undefined && this.#modes.has(mode)) return 'MODE_REFUSED'
    return this.#stages ? 'STAGES_REFUSED' : undefined
  }

  pause(forMs: number, nowMs: number): void {
    if (forMs > 0) this.#pausedUntilMs = nowMs + Math.min(forMs, LONGEST_PAUSE_MS)
  }

  /** An error has come to a request, in that mode if it was one for a bundle. */
  onError(code: WireErrorCode, mode?: number): void {
    // These say that the server will never take this mode of this bundle: no use asking before its next birth.
    if (code === 'UNKNOWN_BUNDLE' || code === 'UNKNOWN_MODE' || code === 'ROUTE_NOT_OFFERED') {
      if (mode !== undefined) this.#modes.add(mode)
    }
    if (code === 'UNKNOWN_PIPELINE' || code === 'UNKNOWN_STAGE') this.#stages = true
  }

  refuseSamples(): void {
    this.#samples = true
  }

  /** The server has announced itself anew, or another is asked from now on: it may take what was not taken. */
  forget(): void {
    this.#modes.clear()
    this.#stages = false
    this.#samples = false
  }

  /** It is another life of the server, that has asked for no pause. */
  onRestart(): void {
    this.#pausedUntilMs = Number.NEGATIVE_INFINITY
  }
}
