import { modelError } from '../errors.ts'
import { exponentials } from './temperature.ts'

/**
 * What makes an exit sure of its answer. `confidence`: the probability of the best class. `entropy`: 1 − H(p) / ln K,
 * the gate of BranchyNet (ICPR 2016) turned round, so that more is surer in both.
 */
export type Gate = 'confidence' | 'entropy'

/**
 * How sure a classifier is of each row, 0 to 1: of p = softmax(logits / temperature). `logits` [n, classes]. A row with
 * NaN or an infinity gives 0, so that it never passes a gate. Throws `BAD_OPTION`.
 */
export function sureness(
  logits: ArrayLike<number>,
  classes: number,
  temperature = 1,
  gate: Gate = 'confidence',
): Float64Array {
  if (!Number.isSafeInteger(classes) || classes < 1 || logits.length % classes !== 0) {
    throw modelError('BAD_OPTION', `${logits.length} logits are no rows of ${classes} classes.`)
  }
  if (!(temperature > 0 && Number.isFinite(temperature))) {
    throw modelError('BAD_OPTION', `A temperature is a number above 0, got ${temperature}.`)
  }
  const odds = new Float64Array(classes)
  return Float64Array.from({ length: logits.length / classes }, (_, row) => {
    const [, total] = exponentials(logits, row * classes, 1 / temperature, odds)
    if (!Number.isFinite(total)) return 0
    if (gate === 'confidence') return 1 / total
    return classes === 1 ? 1 : Math.max(0, 1 - entropy(odds, total) / Math.log(classes))
  })
}

/** In nats, of the distribution odds / total. */
function entropy(odds: Float64Array, total: number): number {
  let sum = 0
  for (const e of odds) {
    const p = e / total
    if (p > 0) sum -= p * Math.log(p)
  }
  return sum
}
