import { optionChecks } from '../option-checks.ts'
import type { SeenSample, UploadSelector, Verdict } from './selector.ts'

export interface UtilityPerByteOptions {
  readonly classes: number
  /** Entropy of greatest use is below this, in multiples of ln(classes). Default 0.4. */
  readonly highest?: number
  /** How fast the price of a byte follows the budget, each frame. Default 0.05. */
  readonly step?: number
}

/**
 * Sends what teaches most for its bytes. The use of a sample is the size of the step that it makes the server take, H · exp(E − H), the
 * weighted entropy that EATA and CEMA descend; it is sent when that is worth its bytes at the price of a byte. The price rises while less
 * than half of the budget is there and falls while more is: ascent on use less cost, as OneAdapt does for a camera's settings
 * (Du et al., SoCC 2023).
 */
export class UtilityPerByte implements UploadSelector {
  readonly name = 'utility-per-byte'
  readonly #margin: number
  readonly #most: number
  readonly #step: number
  /** ln of the price of a byte. */
  #price = Number.NaN

  /** Throws BAD_OPTION. */
  constructor({ classes, highest = 0.4, step = 0.05 }: UtilityPerByteOptions) {
    const check = optionChecks('utility-per-byte')
    check.integer('classes', classes, 2, 1e6)
    check.within('highest', highest, 1e-6, 1)
    check.within('step', step, 1e-6, 1)
    this.#margin = highest * Math.log(classes)
    this.#most = Math.log(classes)
    this.#step = step
  }

  /** What one byte must bring. */
  get price(): number {
    return Math.exp(this.#price)
  }

  judge({ entropy, bytes, budgetLeft }: SeenSample): Verdict {
    const worth = this.use(entropy) / Math.max(1, bytes)
    // The first sample sets the scale: half of the most that its bytes could bring.
    if (Number.isNaN(this.#price)) this.#price = Math.log(0.5 / Math.max(1, bytes))
    const isWorth = worth > this.price
    const moved = this.#price + this.#step * (0.5 - budgetLeft)
    this.#price = Math.min(2, Math.max(-40, moved))
    return isWorth ? { upload: true, worth } : { upload: false, why: 'ranked-out' }
  }

  /** 0..1: of an answer of this entropy, 1 where H · exp(E − H) is greatest. */
  use(entropy: number): number {
    const weighted = (nats: number) => nats * Math.exp(this.#margin - nats)
    return weighted(entropy) / weighted(Math.min(1, this.#most))
  }
}
