import { optionChecks } from '../option-checks.ts'
import { TokenBucket } from '../token-bucket.ts'

const HOUR_MS = 3_600_000
/** What may go at once, as a share of the hour's bytes. The rest comes evenly, so that no hour has more than its bytes. */
const BURST = 0.1

/**
 * Bytes that may be sent in an hour: in any 60 minutes, wherever they begin, no more than `bytesPerHour`. It starts empty, so that a
 * device that starts again and again has no more than one that runs on.
 */
export class UplinkBudget {
  readonly bytesPerHour: number
  readonly #bucket: TokenBucket

  /** Throws BAD_OPTION. */
  constructor(bytesPerHour: number, nowMs: number) {
    optionChecks('uplink budget').within('bytesPerHour', bytesPerHour, 0, 1e15)
    this.bytesPerHour = bytesPerHour
    const burst = BURST * bytesPerHour
    this.#bucket = new TokenBucket((1000 * (bytesPerHour - burst)) / HOUR_MS, burst, nowMs)
    this.#bucket.spend(burst)
  }

  /** The most that one message may have. */
  get largestBytes(): number {
    return Math.floor(BURST * this.bytesPerHour)
  }

  /** How much of the most that can be there is there, 0..1. */
  left(nowMs: number): number {
    return this.largestBytes === 0 ? 0 : Math.min(1, this.#bucket.tokens(nowMs) / this.largestBytes)
  }

  /** Whether so many bytes may go now. */
  allows(bytes: number, nowMs: number): boolean {
    return this.#bucket.tokens(nowMs) >= bytes
  }

  /** Takes them, if they may go. */
  take(bytes: number, nowMs: number): boolean {
    if (!this.allows(bytes, nowMs)) return false
    this.#bucket.spend(bytes)
    return true
  }
}
