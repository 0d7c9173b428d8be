import type { Guess } from './answer.ts'

/** Probabilities from logits, without overflow. */
export function softmax(logits: Float32Array): Float32Array {
  let highest = Number.NEGATIVE_INFINITY
  for (const logit of logits) highest = Math.max(highest, logit)
  const result = new Float32Array(logits.length)
  let sum = 0
  for (let i = 0; i < logits.length; i++) {
    const e = Math.exp(logits[i]! - highest)
    result[i] = e
    sum += e
  }
  for (let i = 0; i < result.length; i++) result[i] = result[i]! / sum
  return result
}

/** The `count` best guesses, best first; ties go to the lower index. */
export function bestGuesses(
  output: Float32Array,
  kind: 'logits' | 'probabilities',
  labels: readonly string[],
  count = 5,
): Guess[] {
  const probabilities = kind === 'logits' ? softmax(output) : output
  const best: number[] = []
  for (let i = 0; i < probabilities.length; i++) {
    let at = best.length
    while (at > 0 && probabilities[best[at - 1]!]! < probabilities[i]!) at--
    if (at < count) best.splice(at, 0, i)
    if (best.length > count) best.pop()
  }
  return best.map((i) => ({ label: labels[i] ?? String(i), probability: probabilities[i]! }))
}

/** Index of the largest value; the lowest of equals. */
export function topIndex(values: Float32Array): number {
  let best = 0
  for (let at = 1; at < values.length; at++) if (values[at]! > values[best]!) best = at
  return best
}

export function allFinite(values: Float32Array): boolean {
  for (const value of values) if (!Number.isFinite(value)) return false
  return true
}
