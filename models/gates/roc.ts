import { modelError } from '../errors.ts'
import { checkExamples, checkShare, eachGroup } from './examples.ts'

/** One operating point of a detector: every example whose score is at least `threshold` counts as found. */
export interface RocPoint {
  readonly threshold: number
  /** Share of the positives that are found, 0 to 1. */
  readonly recall: number
  /** Share of the negatives that are taken for positives, 0 to 1. */
  readonly falseAlarms: number
}

/**
 * The receiver operating characteristic: one point for each different score, from the strictest threshold to the
 * most lenient, with (∞, 0, 0) in front. Of a kind with no examples the share is NaN: nothing is known of it.
 *
 * `scores`: higher means likelier positive; `positive`: 1 or true for a positive. Throws `NOT_FINITE`, and
 * `BAD_OPTION` when the lengths differ.
 */
export function rocCurve(scores: ArrayLike<number>, positive: ArrayLike<number | boolean>): RocPoint[] {
  checkExamples(scores, positive, 'labels')
  let positives = 0
  for (let i = 0; i < positive.length; i++) if (positive[i]) positives++
  const negatives = positive.length - positives
  const points: RocPoint[] = []
  let found = 0
  let alarms = 0
  const add = (threshold: number) =>
    points.push({ threshold, recall: found / positives, falseAlarms: alarms / negatives })
  add(Number.POSITIVE_INFINITY)
  eachGroup(scores, (score, examples) => {
    for (const example of examples) {
      if (positive[example]) found++
      else alarms++
    }
    add(score)
  })
  return points
}

/**
 * Area under the ROC: the probability that a positive scores higher than a negative, ties counted half (Fawcett 2006).
 * Throws `TOO_FEW_EXAMPLES` without examples of both kinds, and what {@link rocCurve} throws.
 */
export function rocAuc(scores: ArrayLike<number>, positive: ArrayLike<number | boolean>): number {
  const points = rocCurve(scores, positive)
  const last = points[points.length - 1]!
  if (Number.isNaN(last.recall + last.falseAlarms)) {
    throw modelError('TOO_FEW_EXAMPLES', 'An area under the ROC needs positives and negatives.')
  }
  let area = 0
  for (let i = 1; i < points.length; i++) {
    const [a, b] = [points[i - 1]!, points[i]!]
    area += ((b.falseAlarms - a.falseAlarms) * (a.recall + b.recall)) / 2
  }
  return area
}

/**
 * The strictest threshold that still finds at least a share `recall` of the positives (default 0.9, as the neural filter
 * of arXiv 2007.15818). Throws `TOO_FEW_EXAMPLES` without a positive, `BAD_OPTION`, and what {@link rocCurve} throws.
 */
export function thresholdAtRecall(
  scores: ArrayLike<number>,
  positive: ArrayLike<number | boolean>,
  recall = 0.9,
): RocPoint {
  checkShare('recall', recall)
  const point = rocCurve(scores, positive).find((one) => one.recall >= recall)
  if (point) return point
  throw modelError('TOO_FEW_EXAMPLES', 'A threshold for a recall needs at least one positive.')
}
