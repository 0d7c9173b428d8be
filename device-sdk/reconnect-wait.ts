/**
 * Waits between attempts to connect, in ms: each anywhere between the shortest and a bound that doubles from attempt to attempt. Without
 * chance, all devices of a broker that was away would knock at the same moments ("full jitter", with a least wait).
 */
export class ReconnectWait {
  readonly #minMs: number
  readonly #maxMs: number
  readonly #random: () => number
  #boundMs: number

  /** `minMs` is at most `maxMs`; `random`: uniform in [0, 1). */
  constructor({ minMs, maxMs }: { readonly minMs: number; readonly maxMs: number }, random: () => number) {
    this.#minMs = minMs
    this.#maxMs = maxMs
    this.#random = random
    this.#boundMs = this.#first
  }

  next(): number {
    const waitMs = this.#minMs + this.#random() * (this.#boundMs - this.#minMs)
    this.#boundMs = Math.min(2 * this.#boundMs, this.#maxMs)
    return waitMs
  }

  /** A connection has lasted: the next wait is a short one again. */
  reset(): void {
    this.#boundMs = this.#first
  }

  get #first(): number {
    return Math.min(2 * this.#minMs, this.#maxMs)
  }
}
