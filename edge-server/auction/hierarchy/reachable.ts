/** More distinct amounts than this are not looked into. */
const MOST_AMOUNTS = 64
/** A quantum below this share of the largest amount is taken for chance. */
const LEAST_QUANTUM = 1e-4

/**
 * What sums of `amounts` can fill of each capacity: where all are multiples of one quantum, the capacity rounded down to
 * such a multiple, else the capacity itself. A bound from prices may count with it, which matters when amounts are coarse:
 * of a capacity of 0.9, thirds can fill two.
 */
export function reachable(capacity: Float64Array, amounts: Float64Array): Float64Array {
  const quantum = quantumOf(amounts)
  if (quantum === undefined) return capacity
  if (quantum === 0) return new Float64Array(capacity.length)
  return capacity.map((whole) => Math.min(whole, Math.floor(whole / quantum + 1e-6) * quantum))
}

/** The largest number that all amounts are multiples of; 0: all are 0; undefined: none worth the name. */
function quantumOf(amounts: Float64Array): number | undefined {
  const seen = new Set<number>()
  for (const amount of amounts) {
    if (amount > 0) seen.add(amount)
    if (seen.size > MOST_AMOUNTS) return undefined
  }
  if (seen.size === 0) return 0
  const largest = Math.max(...seen)
  let quantum = 0
  for (const amount of seen) {
    let [a, b] = [amount, quantum]
    while (b > 1e-9 * largest) [a, b] = [b, a % b]
    quantum = a
    if (quantum < LEAST_QUANTUM * largest) return undefined
  }
  const isMultiple = (amount: number) => {
    const times = amount / quantum
    return Math.abs(times - Math.round(times)) <= 1e-9 * times
  }
  return [...seen].every(isMultiple) ? quantum : undefined
}
