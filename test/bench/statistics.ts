import { quantile } from '@isthmus/policies'

/** A 95 % confidence interval. */
export type Interval = readonly [low: number, high: number]

/** Two-sided 95 % of the normal distribution. */
const Z = 1.959964

/** The middle of `values`; NaN for none. */
export const median = (values: readonly number[]): number => quantile(values, 0.5)

/** Wilson's interval for a proportion, `hits` of `count` (Wilson 1927): stays within 0 and 1, holds near them. */
export function proportionInterval(hits: number, count: number): Interval {
  const share = hits / count
  const z2 = Z * Z
  const centre = share + z2 / (2 * count)
  const half = Z * Math.sqrt((share * (1 - share)) / count + z2 / (4 * count * count))
  return [(centre - half) / (1 + z2 / count), (centre + half) / (1 + z2 / count)]
}

/**
 * Interval for the difference of two proportions that were measured on the same items: only the items on which the two
 * differ count. `onlyFirst` and `onlySecond`: items that just one of them got.
 */
export function pairedDifferenceInterval(onlyFirst: number, onlySecond: number, count: number): Interval {
  const difference = (onlyFirst - onlySecond) / count
  const variance = (onlyFirst + onlySecond - (onlyFirst - onlySecond) ** 2 / count) / count ** 2
  const half = Z * Math.sqrt(Math.max(0, variance))
  return [difference - half, difference + half]
}

/** Samples up to which the interval of a median is counted out. */
const EXACT_UP_TO = 500

/**
 * Interval for the median, from the order of the values alone, whatever their distribution. Fewer than six values cannot
 * give 95 %: then it is their whole range.
 */
export function medianInterval(values: readonly number[]): Interval {
  const sorted = [...values].sort((a, b) => a - b)
  const count = sorted.length
  if (count === 0) return [Number.NaN, Number.NaN]
  if (count > EXACT_UP_TO) {
    // There 2^−count is no double any more, and the binomial is as good as normal.
    const lowest = Math.floor(count / 2 - 0.98 * Math.sqrt(count))
    return [sorted[lowest]!, sorted[count - 1 - lowest]!]
  }
  // The k lowest values are all below the median with the chance of at most k - 1 heads in `count` throws.
  let outside = 0
  let tail = 0.5 ** count
  let term = tail
  while (2 * tail <= 0.05) {
    outside++
    term *= (count - outside + 1) / outside
    tail += term
  }
  const lowest = Math.max(0, outside - 1)
  return [sorted[lowest]!, sorted[count - 1 - lowest]!]
}
