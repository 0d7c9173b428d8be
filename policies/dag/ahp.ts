import { policyError } from '../errors.ts'

/** Weights of criteria by the analytic hierarchy process, and how far the comparisons agree with each other. */
export interface AhpWeights {
  /** Sum 1. */
  readonly weights: Float64Array
  /** Consistency ratio: 0 when all comparisons agree, above 0.1 they are refused. */
  readonly consistencyRatio: number
}

/** Mean consistency index of random matrices of 1 … 10 criteria (Saaty 1980). */
const RANDOM_INDEX = [0, 0, 0.58, 0.9, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49] as const

/**
 * Weights from pairwise comparisons (Saaty 1980): the principal eigenvector of the matrix.
 *
 * @param comparisons `[n][n]`: how many times as important criterion i is as j; entry j, i is its inverse
 * @throws IsthmusError `BAD_OPTION` for a matrix that is not reciprocal, or whose comparisons contradict each other (ratio above 0.1)
 */
export function ahpWeights(comparisons: readonly (readonly number[])[]): AhpWeights {
  const n = comparisons.length
  if (n < 1 || n > RANDOM_INDEX.length) {
    throw policyError('BAD_OPTION', `ahp: ${n} criteria; from 1 to ${RANDOM_INDEX.length} can be compared`)
  }
  for (const [i, row] of comparisons.entries()) {
    if (row.length !== n) throw policyError('BAD_OPTION', `ahp: row ${i} has ${row.length} entries, not ${n}`)
    for (const [j, value] of row.entries()) {
      const inverse = comparisons[j]?.[i]
      if (!(value > 0 && Math.abs(value * inverse! - 1) < 1e-6)) {
        throw policyError(
          'BAD_OPTION',
          `ahp: entry ${i}, ${j} is ${value}, entry ${j}, ${i} is ${inverse}; their product must be 1`,
        )
      }
    }
  }
  let weights = new Float64Array(n).fill(1 / n)
  let eigenvalue = n
  for (let iteration = 0; iteration < 1000; iteration++) {
    const product = Float64Array.from(comparisons, (row) =>
      row.reduce((sum, value, at) => sum + value * weights[at]!, 0),
    )
    eigenvalue = product.reduce((sum, value) => sum + value, 0)
    const next = product.map((value) => value / eigenvalue)
    const change = next.reduce((most, value, at) => Math.max(most, Math.abs(value - weights[at]!)), 0)
    weights = next
    if (change < 1e-14) break
  }
  const index = n > 1 ? (eigenvalue - n) / (n - 1) : 0
  const random = RANDOM_INDEX[n - 1]!
  const consistencyRatio = random > 0 ? Math.max(0, index / random) : 0
  if (consistencyRatio > 0.1) {
    throw policyError(
      'BAD_OPTION',
      `ahp: the comparisons contradict each other, consistency ratio ${consistencyRatio.toFixed(2)} above 0.1`,
    )
  }
  return { weights, consistencyRatio }
}
