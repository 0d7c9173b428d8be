/** Work that took longer did so because the process, or the board, stood still. */
const LONGEST_MS = 60_000

/**
 * How often a frame is kept for what is computed beside the answers, so that this takes at most a share of the time. What it costs is measured,
 * not assumed.
 */
export class SamplingPace {
  readonly #busyShare: number
  #spacingMs = 0
  #notBeforeMs = Number.NEGATIVE_INFINITY
  /** When all work so far has had its share of the time. */
  #paidMs = Number.NEGATIVE_INFINITY

  /** `busyShare`: of the time, from above 0 to 1. */
  constructor(busyShare: number) {
    this.#busyShare = busyShare
  }

  /** Between two frames that are kept, at least. */
  get spacingMs(): number {
    return this.#spacingMs
  }

  /** Whether the frame that has just been answered may be kept. */
  isDue(nowMs: number): boolean {
    return nowMs >= this.#notBeforeMs
  }

  /** It has been. */
  kept(nowMs: number): void {
    this.#notBeforeMs = nowMs + this.#spacingMs
  }

  /** Work has taken so long; `frames` are to be kept until there is more of it. */
  took(ms: number, frames: number, nowMs: number): void {
    this.#paidMs = Math.max(this.#paidMs, nowMs) + Math.min(LONGEST_MS, Math.max(0, ms)) / this.#busyShare
    this.#spacingMs = (this.#paidMs - nowMs) / frames
    this.#notBeforeMs = nowMs + this.#spacingMs
  }
}
