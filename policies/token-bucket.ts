/** Lets `perSecond` events through on average and up to `burst` at once. Starts full. */
export class TokenBucket {
  readonly #perMs: number
  readonly #burst: number
  #tokens: number
  #filledMs: number

  constructor(perSecond: number, burst: number, nowMs: number) {
    this.#perMs = perSecond / 1000
    this.#burst = burst
    this.#tokens = burst
    this.#filledMs = nowMs
  }

  /** Takes one token; false when there is none. */
  take(nowMs: number): boolean {
    if (this.tokens(nowMs) < 1) return false
    this.#tokens--
    return true
  }

  /** Whole tokens that are there now. */
  tokens(nowMs: number): number {
    const elapsedMs = Math.max(0, nowMs - this.#filledMs)
    this.#tokens = Math.min(this.#burst, this.#tokens + elapsedMs * this.#perMs)
    this.#filledMs = nowMs
    return Math.floor(this.#tokens)
  }

  /** How long until there is a whole token, in ms. */
  waitMs(nowMs: number): number {
    return this.tokens(nowMs) >= 1 ? 0 : (1 - this.#tokens) / this.#perMs
  }

  /** Takes so many, even if there are fewer: then nothing is there until the debt is paid. */
  spend(count: number): void {
    this.#tokens -= count
  }
}
