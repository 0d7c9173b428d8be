/**
 * The weighted median of the first `count` values: the least one that, with those below it, has half of all the weight. Weights are
 * positive. Takes O(count) on average and allocates nothing; both arrays are put into another order. 0 for no values.
 */
export function weightedMedian(values: Float64Array, weights: Float64Array, count: number): number {
  let rest = 0
  for (let at = 0; at < count; at++) rest += weights[at]! / 2
  let low = 0
  let high = count - 1
  while (low < high) {
    const pivot = values[(low + high) >> 1]!
    // Below `less` is what is less than the pivot, from `more` on what is more.
    let less = low
    let more = high + 1
    let lessWeight = 0
    let sameWeight = 0
    for (let at = low; at < more; ) {
      const value = values[at]!
      if (value < pivot) {
        lessWeight += weights[at]!
        swap(values, weights, at++, less++)
      } else if (value > pivot) {
        swap(values, weights, at, --more)
      } else {
        sameWeight += weights[at++]!
      }
    }
    if (rest <= lessWeight) {
      high = less - 1
    } else if (rest <= lessWeight + sameWeight) {
      return pivot
    } else {
      rest -= lessWeight + sameWeight
      low = more
    }
  }
  return count === 0 ? 0 : values[Math.min(low, count - 1)]!
}

function swap(values: Float64Array, weights: Float64Array, a: number, b: number): void {
  const value = values[a]!
  values[a] = values[b]!
  values[b] = value
  const weight = weights[a]!
  weights[a] = weights[b]!
  weights[b] = weight
}
