import { KINDS } from './columns.ts'

/** How much of the last direction a step keeps: it zigzags less (Camerini, Fratta and Maffioli 1975). */
const MEMORY = 0.6
/** Steps without gain after which they become half as long. */
const PATIENCE = 4

export interface PriceSearchOptions {
  /** [prices]. */
  readonly capacity: Float64Array
  /** Kinds of amounts: prices of one kind are `kinds` apart. */
  readonly kinds: number
  /** What some allocation is worth: the bound cannot fall below, and steps aim there. */
  readonly value: number
}

/**
 * Looks for prices at which the bound on every allocation is small, by subgradient steps of Polyak's length, for a market that is
 * looked at elsewhere: it is told what the bound is at `prices` and what requests would then take, and moves the prices.
 */
export class PriceSearch {
  /** Where to look next. */
  readonly prices: Float64Array
  /** The best found. */
  bound = Number.POSITIVE_INFINITY
  readonly best: Float64Array
  readonly #options: PriceSearchOptions
  readonly #unit: Float64Array
  readonly #direction: Float64Array
  #boldness = 1
  #idle = 0

  /** `prices`: where it begins; they are moved in place. */
  constructor(prices: Float64Array, options: PriceSearchOptions) {
    this.prices = prices
    this.best = prices.slice()
    this.#options = options
    this.#direction = new Float64Array(prices.length)
    this.#unit = meanCapacity(options.capacity, options.kinds)
  }

  /** Takes in what was found at `prices`, and moves them. Returns whether there is anything left to gain. */
  observe(bound: number, load: Float64Array): boolean {
    const { capacity, kinds, value } = this.#options
    const { prices } = this
    if (bound < this.bound) {
      this.bound = bound
      this.best.set(prices)
      this.#idle = 0
    } else if (++this.#idle > PATIENCE) {
      this.#boldness /= 2
      this.#idle = 0
      this.#direction.fill(0)
      prices.set(this.best)
      return true
    }
    let length = 0
    for (let at = 0; at < load.length; at++) {
      // Kinds are measured by units of their own: what a step does must not hang on whether memory is in MB or GB.
      const slope = (load[at]! - capacity[at]!) / this.#unit[at % kinds]! + MEMORY * this.#direction[at]!
      this.#direction[at] = prices[at] === 0 && slope < 0 ? 0 : slope
      length += this.#direction[at]! ** 2
    }
    if (length === 0 || bound <= value) return false
    const size = (this.#boldness * (bound - value)) / length
    for (let at = 0; at < load.length; at++) {
      prices[at] = Math.max(0, prices[at]! + (size * this.#direction[at]!) / this.#unit[at % kinds]!)
    }
    return true
  }
}

/** [kinds]: of the resources, or 1 where none has any. */
export function meanCapacity(capacity: Float64Array, kinds = KINDS): Float64Array {
  const mean = new Float64Array(kinds)
  for (let at = 0; at < capacity.length; at++) mean[at % kinds]! += (capacity[at]! * kinds) / capacity.length
  return mean.map((one) => one || 1)
}
