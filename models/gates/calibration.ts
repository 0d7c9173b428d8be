import { modelError } from '../errors.ts'
import { checkExamples } from './examples.ts'

/** The answers whose confidence lies in (from, to]; the first bin holds 0 too. */
export interface ReliabilityBin {
  readonly from: number
  readonly to: number
  readonly count: number
  /** Means over the bin, 0 to 1; NaN in an empty one. */
  readonly confidence: number
  readonly accuracy: number
}

/** As in Guo et al. 2017. */
const USUAL_BINS = 15

/**
 * How often answers are right, by how sure they are, in bins of equal width. `confidences` 0 to 1, `right`: 1 or true where
 * the answer was right. Throws `NOT_FINITE` and `BAD_OPTION`.
 */
export function reliability(
  confidences: ArrayLike<number>,
  right: ArrayLike<number | boolean>,
  bins = USUAL_BINS,
): ReliabilityBin[] {
  checkExamples(confidences, right, 'answers')
  if (!Number.isSafeInteger(bins) || bins < 1) {
    throw modelError('BAD_OPTION', `bins must be a whole number from 1, got ${bins}.`)
  }
  const sums = Array.from({ length: bins }, () => ({ count: 0, confidence: 0, right: 0 }))
  for (let i = 0; i < confidences.length; i++) {
    const confidence = confidences[i]!
    if (confidence < 0 || confidence > 1) {
      throw modelError('BAD_OPTION', `Confidence ${i} is ${confidence}, not from 0 to 1.`)
    }
    const bin = sums[Math.max(0, Math.ceil(confidence * bins) - 1)]!
    bin.count++
    bin.confidence += confidence
    if (right[i]) bin.right++
  }
  return sums.map(({ count, confidence, right: hits }, bin) => ({
    from: bin / bins,
    to: (bin + 1) / bins,
    count,
    confidence: confidence / count,
    accuracy: hits / count,
  }))
}

/**
 * Expected calibration error: the mean distance between confidence and accuracy over {@link reliability}'s bins (15 of
 * equal width unless said otherwise), weighted by their counts; 0 to 1 (Naeini et al. 2015; Guo et al. 2017). Throws
 * `TOO_FEW_EXAMPLES` for no answers, and what `reliability` throws.
 */
export function expectedCalibrationError(
  confidences: ArrayLike<number>,
  right: ArrayLike<number | boolean>,
  bins = USUAL_BINS,
): number {
  if (confidences.length === 0) throw modelError('TOO_FEW_EXAMPLES', 'A calibration error needs answers.')
  let sum = 0
  for (const { count, confidence, accuracy } of reliability(confidences, right, bins)) {
    if (count > 0) sum += count * Math.abs(confidence - accuracy)
  }
  return sum / confidences.length
}
