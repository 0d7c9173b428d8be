import type { RandomStream } from '../env/index.ts'
import { policyError } from '../errors.ts'
import { quantile } from '../quantile.ts'

export interface BootstrapOptions {
  readonly random: RandomStream
  /** Default 2,000. */
  readonly resamples?: number
  /** Default 0.95. */
  readonly confidence?: number
}

/** A ratio and the bounds of its interval. */
export interface RatioInterval {
  readonly ratio: number
  readonly low: number
  readonly high: number
}

/**
 * The ratio of one statistic of two paired samples, `statistic(ours) / statistic(theirs)`, with its percentile bootstrap interval
 * (Efron 1979). Entry k of both was measured on the same thing, a set of seeds say: both are drawn together, so that what one
 * draw makes easy it makes easy for both. The statistic may be of any kind, the hypervolume of a mean front as well as a mean.
 * With few pairs such an interval is a little too narrow: of those of 95 %, about 91 % held for ten pairs, 93 % for forty.
 *
 * @throws IsthmusError `BAD_OPTION` for lengths that differ, fewer than two pairs, bad options, and a statistic whose ratio
 *   is no finite number
 */
export function pairedRatioInterval<Entry>(
  ours: readonly Entry[],
  theirs: readonly Entry[],
  statistic: (sample: readonly Entry[]) => number,
  { random, resamples = 2000, confidence = 0.95 }: BootstrapOptions,
): RatioInterval {
  const pairs = ours.length
  if (theirs.length !== pairs || pairs < 2) {
    throw policyError(
      'BAD_OPTION',
      `theirs: ${theirs.length} entries beside ${pairs} of ours; give two pairs or more`,
    )
  }
  if (!(Number.isInteger(resamples) && resamples >= 100)) {
    throw policyError('BAD_OPTION', `resamples is ${resamples}; give a whole number from 100 on`)
  }
  if (!(confidence > 0 && confidence < 1)) {
    throw policyError('BAD_OPTION', `confidence is ${confidence}; it lies between 0 and 1`)
  }
  const drawnOurs = [...ours]
  const drawnTheirs = [...theirs]
  const ratios = Array.from({ length: resamples }, () => {
    for (let at = 0; at < pairs; at++) {
      const pair = random.below(pairs)
      drawnOurs[at] = ours[pair]!
      drawnTheirs[at] = theirs[pair]!
    }
    return ratioOf(statistic(drawnOurs), statistic(drawnTheirs))
  })
  const tail = (1 - confidence) / 2
  return {
    ratio: ratioOf(statistic(ours), statistic(theirs)),
    low: quantile(ratios, tail),
    high: quantile(ratios, 1 - tail),
  }
}

function ratioOf(ours: number, theirs: number): number {
  const ratio = ours / theirs
  if (Number.isFinite(ratio)) return ratio
  throw policyError('BAD_OPTION', `statistic: ${ours} ÷ ${theirs} is no finite number`)
}
