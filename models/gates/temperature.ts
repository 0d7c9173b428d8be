import { modelError } from '../errors.ts'
import { checkExamples } from './examples.ts'

/** A fit that runs away (every answer right, or none) stops here. */
const LOWEST = 0.01
const HIGHEST = 100

/** Each halves what remains of four decades. */
const BISECTIONS = 50

/**
 * The temperature T that minimises the mean negative log-likelihood of softmax(logits / T): Guo et al. 2017, arXiv
 * 1706.04599. The NLL is convex in 1 / T, so the sign of its slope leads to the minimum; in float64, from 0.01 to 100.
 * T does not change which class is best. Logits that say nothing leave T at 1.
 *
 * `logits` [n, classes] row by row, `labels` [n]. Throws `NOT_FINITE`, `TOO_FEW_EXAMPLES` for none, and
 * `BAD_OPTION` for lengths or labels that do not fit.
 */
export function fitTemperature(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
): number {
  checkLogits(logits, labels, classes)
  const slope = (temperature: number) => slopeAt(1 / temperature, logits, labels, classes)
  if (slope(1) === 0) return 1
  let [low, high] = [LOWEST, HIGHEST]
  if (slope(low) < 0) return low
  for (let step = 0; step < BISECTIONS; step++) {
    const middle = Math.sqrt(low * high)
    if (slope(middle) < 0) high = middle
    else low = middle
  }
  return Math.sqrt(low * high)
}

/** Derivative of the mean NLL by β = 1 / T: the expected logit less the label's. It grows with β. */
function slopeAt(
  beta: number,
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
): number {
  let slope = 0
  const odds = new Float64Array(classes)
  for (let row = 0; row < labels.length; row++) {
    const at = row * classes
    const [top, total] = exponentials(logits, at, beta, odds)
    let mean = 0
    for (let k = 0; k < classes; k++) mean += (odds[k]! / total) * (logits[at + k]! - top)
    slope += mean - (logits[at + labels[row]!]! - top)
  }
  return slope / labels.length
}

/**
 * Mean negative log-likelihood, in nats, of softmax(logits / temperature). `logits` [n, classes], `labels` [n]. Throws
 * as {@link fitTemperature}.
 */
export function negativeLogLikelihood(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
  temperature = 1,
): number {
  checkLogits(logits, labels, classes)
  const odds = new Float64Array(classes)
  let sum = 0
  for (let row = 0; row < labels.length; row++) {
    const at = row * classes
    const [top, total] = exponentials(logits, at, 1 / temperature, odds)
    sum += Math.log(total) - (logits[at + labels[row]!]! - top) / temperature
  }
  return sum / labels.length
}

/** Writes e^(β·(z − max z)) of a row to `out`; returns max z and the sum. */
export function exponentials(
  logits: ArrayLike<number>,
  at: number,
  beta: number,
  out: Float64Array,
): [top: number, total: number] {
  let top = Number.NEGATIVE_INFINITY
  for (let k = 0; k < out.length; k++) top = Math.max(top, logits[at + k]!)
  let total = 0
  for (let k = 0; k < out.length; k++) {
    const e = Math.exp(beta * (logits[at + k]! - top))
    out[k] = e
    total += e
  }
  return [top, total]
}

function checkLogits(logits: ArrayLike<number>, labels: ArrayLike<number>, classes: number): void {
  if (!Number.isSafeInteger(classes) || classes < 1 || logits.length !== labels.length * classes) {
    const got = `${logits.length} logits, ${labels.length} labels`
    throw modelError('BAD_OPTION', `There must be ${classes} logits for each label; got ${got}.`)
  }
  if (labels.length === 0) throw modelError('TOO_FEW_EXAMPLES', 'A likelihood needs at least one example.')
  checkExamples(logits, logits, 'logits')
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row]!
    if (Number.isSafeInteger(label) && label >= 0 && label < classes) continue
    throw modelError('BAD_OPTION', `Label ${row} is ${label}; there are ${classes} classes.`)
  }
}
