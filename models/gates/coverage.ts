import { modelError } from '../errors.ts'
import { checkExamples, checkShare, eachGroup } from './examples.ts'

/** What a threshold on confidence lets through: the frames whose confidence is at least `threshold`. */
export interface CoveragePoint {
  readonly threshold: number
  /** Share of all frames that pass, 0 to 1. */
  readonly share: number
  /** Share of those that are right, 0 to 1. */
  readonly accuracy: number
}

/**
 * Accuracy against coverage: one point for each different confidence, the strictest first. `right`: 1 or true where the
 * answer was right. Throws `NOT_FINITE`, and `BAD_OPTION` when the lengths differ.
 */
export function coverageCurve(
  confidences: ArrayLike<number>,
  right: ArrayLike<number | boolean>,
): CoveragePoint[] {
  checkExamples(confidences, right, 'answers')
  const points: CoveragePoint[] = []
  let passed = 0
  let hits = 0
  eachGroup(confidences, (threshold, examples) => {
    passed += examples.length
    for (const example of examples) if (right[example]) hits++
    points.push({ threshold, share: passed / confidences.length, accuracy: hits / passed })
  })
  return points
}

/** One-sided 95 %. */
const USUAL_Z = 1.645

/**
 * The threshold that lets most frames through of all whose frames are right at least as often as `target`: surely so, by
 * the lower end of Wilson's interval at `z` standard errors (0: as counted). Nothing when no threshold reaches it.
 *
 * The lower end guards against the luck of the draw; it does not know of a shift between these frames and later ones.
 * Throws `BAD_OPTION` and what {@link coverageCurve} throws.
 */
export function thresholdForAccuracy(
  confidences: ArrayLike<number>,
  right: ArrayLike<number | boolean>,
  target: number,
  z = USUAL_Z,
): CoveragePoint | undefined {
  checkShare('target', target)
  if (!(z >= 0 && Number.isFinite(z))) throw modelError('BAD_OPTION', `z must be at least 0, got ${z}.`)
  return coverageCurve(confidences, right).findLast(
    ({ share, accuracy }) => wilsonLower(accuracy, Math.round(share * confidences.length), z) >= target,
  )
}

/** Lower end of Wilson's interval (1927) for a share seen in `count` trials, 0 to 1. */
export function wilsonLower(share: number, count: number, z: number): number {
  if (z === 0) return share
  const square = z * z
  const spread = z * Math.sqrt((share * (1 - share)) / count + square / (4 * count * count))
  return Math.max(0, (share + square / (2 * count) - spread) / (1 + square / count))
}
