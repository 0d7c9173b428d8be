import { modelError } from '../errors.ts'

/** Frequencies of one table add up to 2 to the power of this. */
export const FREQUENCY_BITS = 12
const TOTAL = 1 << FREQUENCY_BITS

/**
 * How often each symbol of a static table comes, in parts of 4096: symbol `first + k` has `frequencies[k]`. The last entry is
 * the escape, which stands before a symbol that the table does not hold. Plain whole numbers, so that every machine codes the
 * same bytes.
 */
export interface FrequencyTable {
  readonly first: number
  /** Each from 1 to 4095; their sum is 4096. */
  readonly frequencies: readonly number[]
}

/** What is wrong with a table, or nothing. */
export function frequencyTableFault({ first, frequencies }: FrequencyTable): string | undefined {
  if (!Number.isInteger(first) || Math.abs(first) > 2 ** 24)
    return `first symbol ${first} is not a whole number of at most 2^24`
  if (frequencies.length < 2 || frequencies.length > TOTAL) {
    return `${frequencies.length} frequencies are not 2 to ${TOTAL}`
  }
  const bad = frequencies.find((value) => !(Number.isInteger(value) && value >= 1 && value < TOTAL))
  if (bad !== undefined) return `frequency ${bad} is not 1 to ${TOTAL - 1}`
  const sum = frequencies.reduce((total, value) => total + value, 0)
  return sum === TOTAL ? undefined : `frequencies add up to ${sum}, not ${TOTAL}`
}

/**
 * The table for symbols of which `weights[k]` (a count, or a probability) were `first + k`. The escape gets the share
 * `escapeWeight` of the same unit. Every symbol keeps a frequency of 1 at least; what that and the rounding
 * take or leave is settled where it costs the fewest bits.
 * Throws BAD_OPTION when a weight is negative or not finite, or there are no symbols, or more than a table holds.
 */
export function frequencyTable(first: number, weights: ArrayLike<number>, escapeWeight = 0): FrequencyTable {
  const all = [...Array.from(weights), escapeWeight]
  const total = all.reduce((sum, weight) => sum + weight, 0)
  if (all.length < 2 || all.length > TOTAL) {
    throw modelError('BAD_OPTION', `A table holds 1 to ${TOTAL - 1} symbols, not ${all.length - 1}.`)
  }
  if (!(total > 0 && total < Number.POSITIVE_INFINITY) || all.some((weight) => !(weight >= 0))) {
    throw modelError('BAD_OPTION', 'Weights must be finite, none below 0, and one above it.')
  }
  const frequencies = all.map((weight) => Math.max(1, Math.round((weight / total) * TOTAL)))
  let excess = frequencies.reduce((sum, value) => sum + value, 0) - TOTAL
  while (excess !== 0) {
    const step = excess > 0 ? -1 : 1
    let best = -1
    let least = Number.POSITIVE_INFINITY
    for (const [at, value] of frequencies.entries()) {
      if (value + step < 1) continue
      const bits = all[at]! * Math.log2(value / (value + step))
      if (bits < least) {
        least = bits
        best = at
      }
    }
    frequencies[best]! += step
    excess += step
  }
  return { first, frequencies }
}

/** The bits that `symbol` costs under the table, its value after an escape included: cross-entropy, no coder involved. */
export function symbolBits({ first, frequencies }: FrequencyTable, symbol: number): number {
  const at = symbol - first
  const escaped = frequencies.length - 1
  if (at >= 0 && at < escaped) return FREQUENCY_BITS - Math.log2(frequencies[at]!)
  return FREQUENCY_BITS - Math.log2(frequencies[escaped]!) + escapedBits(symbol)
}

/** Bits of an escaped symbol: its zigzag value in groups of 7 bits, each behind a bit that says whether more follow. */
export const escapedBits = (symbol: number): number => {
  const value = zigzag(symbol)
  return value < 2 ** 7 ? 8 : value < 2 ** 14 ? 16 : value < 2 ** 21 ? 24 : value < 2 ** 28 ? 32 : 40
}

/** 0, −1, 1, −2, … as 0, 1, 2, 3, … */
export const zigzag = (value: number): number => ((value << 1) ^ (value >> 31)) >>> 0

export const unzigzag = (value: number): number => (value >>> 1) ^ -(value & 1)
