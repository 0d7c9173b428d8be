import { RandomStream } from '../../env/index.ts'
import { policyError } from '../../errors.ts'
import {
  cardinality,
  expectedUtility,
  hypervolume,
  pairedRatioInterval,
  type RatioInterval,
  spearman,
} from '../../pareto/index.ts'
import type { Judged } from './judge.ts'

/** A front's corner point: each objective's worst value. The tight reference is the rule's own. */
export const cornerOf = (front: Judged): number[] =>
  front[0]!.map((_, objective) => Math.max(...front.map((costs) => costs[objective]!)))

const rewards = (front: Judged): number[][] => front.map((costs) => costs.map((cost) => -cost))

/** Volume of what a front of costs dominates below a reference of costs. */
export const volumeBelow = (front: Judged, reference: readonly number[]): number =>
  hypervolume(
    rewards(front),
    reference.map((cost) => -cost),
  )

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

export interface VolumeRatio extends RatioInterval {
  /** Mean volume over the seed sets. */
  readonly volume: number
}

/**
 * Hypervolume of fronts over the rule's, means over the seed sets, with the 95 % bootstrap interval over the sets in pairs.
 *
 * @param reference in costs, of all seed sets or of each; by default the tight one, in each seed set the rule's own corner there
 * @throws IsthmusError `BAD_OPTION` for fewer than two seed sets, and where the rule's front has no volume in one
 */
export function volumeRatio(
  fronts: readonly Judged[],
  rule: readonly Judged[],
  reference: readonly number[] | ((set: number) => readonly number[]) = (set) => cornerOf(rule[set]!),
): VolumeRatio {
  const volumes = (of: readonly Judged[]) =>
    of.map((front, set) => volumeBelow(front, typeof reference === 'function' ? reference(set) : reference))
  const ours = volumes(fronts)
  const theirs = volumes(rule)
  const empty = theirs.indexOf(0)
  if (empty >= 0) {
    throw policyError(
      'BAD_OPTION',
      `seed set ${empty + 1}: the rule's front has no volume there to compare with; give more preferences (points) or episodes`,
    )
  }
  const interval = pairedRatioInterval(ours, theirs, mean, { random: new RandomStream(BOOTSTRAP_SEED) })
  return { volume: mean(ours), ...interval }
}

const BOOTSTRAP_SEED = 95

/** Mean over the seed sets, point by point. */
export const meanFront = (fronts: readonly Judged[]): Judged =>
  fronts[0]!.map((costs, at) =>
    costs.map((_, objective) => mean(fronts.map((front) => front[at]![objective]!))),
  )

/**
 * Mean over the preferences of the best weighted reward that a front has for each (EUM).
 *
 * @param scales what rewards count one of each cost with
 */
export const utilityOf = (
  front: Judged,
  preferences: readonly (readonly number[])[],
  scales: readonly number[],
): number =>
  expectedUtility(
    front.map((costs) => costs.map((cost, objective) => -cost * scales[objective]!)),
    preferences,
  )

/** Points of a front that no other one beats. */
export const frontSize = (front: Judged): number => cardinality(rewards(front))

/** Rank correlation of the first objective's weight with its cost: −1 when more weight always brings less of it. */
export const preferenceSpearman = (
  fronts: readonly Judged[],
  preferences: readonly (readonly number[])[],
): number =>
  spearman(
    preferences.map((weights) => weights[0]!),
    meanFront(fronts).map((costs) => costs[0]!),
  )
