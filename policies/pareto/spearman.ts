import { policyError } from '../errors.ts'

/** Spearman's rank correlation; equal values share their mean rank. Throws IsthmusError `BAD_OPTION` for fewer than two pairs. */
export function spearman(xs: readonly number[], ys: readonly number[]): number {
  if (xs.length !== ys.length || xs.length < 2) {
    throw policyError('BAD_OPTION', `spearman: ${xs.length} and ${ys.length} values; give two or more pairs`)
  }
  const a = ranks(xs)
  const b = ranks(ys)
  const mean = (xs.length + 1) / 2
  let both = 0
  let ownA = 0
  let ownB = 0
  for (const [at, rank] of a.entries()) {
    both += (rank - mean) * (b[at]! - mean)
    ownA += (rank - mean) ** 2
    ownB += (b[at]! - mean) ** 2
  }
  return both / Math.sqrt(ownA * ownB)
}

function ranks(values: readonly number[]): number[] {
  const order = [...values.keys()].sort((a, b) => values[a]! - values[b]!)
  const result = new Array<number>(values.length)
  for (let first = 0; first < order.length; ) {
    let last = first
    while (last + 1 < order.length && values[order[last + 1]!] === values[order[first]!]) last++
    for (let at = first; at <= last; at++) result[order[at]!] = (first + last) / 2 + 1
    first = last + 1
  }
  return result
}
