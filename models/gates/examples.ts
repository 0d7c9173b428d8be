import { modelError } from '../errors.ts'

/** Throws `NOT_FINITE` for a NaN or an infinity, `BAD_OPTION` for another number of `others` than of scores. */
export function checkExamples(scores: ArrayLike<number>, others: ArrayLike<unknown>, what: string): void {
  if (scores.length !== others.length) {
    throw modelError('BAD_OPTION', `${scores.length} scores come with ${others.length} ${what}.`)
  }
  for (let i = 0; i < scores.length; i++) {
    if (!Number.isFinite(scores[i])) throw modelError('NOT_FINITE', `Score ${i} is ${scores[i]}.`)
  }
}

/** Throws `BAD_OPTION` unless `value` lies above 0 and is at most 1. */
export function checkShare(name: string, value: number): void {
  if (value > 0 && value <= 1) return
  throw modelError('BAD_OPTION', `${name} must be above 0 and at most 1, got ${value}.`)
}

/** Highest first; examples with the same score are one group. `each` is told the group's score and its examples. */
export function eachGroup(
  scores: ArrayLike<number>,
  each: (score: number, examples: Uint32Array) => void,
): void {
  const order = Uint32Array.from({ length: scores.length }, (_, i) => i)
  order.sort((a, b) => scores[b]! - scores[a]!)
  for (let from = 0; from < order.length; ) {
    const score = scores[order[from]!]!
    let to = from + 1
    while (to < order.length && scores[order[to]!]! === score) to++
    each(score, order.subarray(from, to))
    from = to
  }
}
