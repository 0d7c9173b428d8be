import type { NormParameters, normKinds } from '../adapt/norm-parameters.ts'

/** 2^20: a power with this exponent is twenty squarings. */
const POWER = 1048576
const LEAST = 2 ** -126
const MOST = (2 - 2 ** -23) * 2 ** 127

/**
 * How far a number is from the one that is held, in the unit in which rounding it hurts least: a mean in standard deviations of its
 * channel, a variance in powers of e (so that it stays positive whatever is rounded), scale and shift as they are.
 */
export function differenceOf(
  kind: (typeof normKinds)[number],
  target: number,
  held: NormParameters,
  channel: number,
): number {
  const from = held[kind][channel]!
  if (kind === 'mean') return (target - from) / Math.sqrt(held.variance[channel]!)
  if (kind === 'variance') return POWER * Math.expm1(Math.log(target / from) / POWER)
  return target - from
}

/**
 * The number that is so far from the one that is held. Made of sums, products and roots alone, which every machine rounds alike: sender and
 * receivers get the same bits.
 */
export function atDifference(
  kind: (typeof normKinds)[number],
  difference: number,
  held: NormParameters,
  channel: number,
): number {
  const from = held[kind][channel]!
  if (kind === 'mean') return from + difference * Math.sqrt(held.variance[channel]!)
  if (kind === 'variance') return Math.min(MOST, Math.max(LEAST, from * growth(difference)))
  return from + difference
}

/** (1 + x / 2^20)^(2^20): eˣ as near as it matters. Never negative. */
function growth(x: number): number {
  let power = 1 + x / POWER
  for (let squaring = 0; squaring < 20; squaring++) power *= power
  return power
}
