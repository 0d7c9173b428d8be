import { RandomStream } from '@isthmus/policies/env'
import type { Collectors, Judged, PolicyNetwork, Problem } from '@isthmus/policies/gmorl'
import { hypervolume, pairedRatioInterval, type RatioInterval, spearman } from '@isthmus/policies/pareto'

/** What both fronts of a comparison are made from. */
export interface FrontSettings {
  readonly preferences: readonly (readonly number[])[]
  /** Seed sets; set k plays `episodes` episodes from `firstSeed + k·episodes` on. */
  readonly sets: number
  readonly episodes: number
  readonly firstSeed: number
}

/** The fronts of one system, one for each seed set: mean costs for each preference. */
export interface FrontPair {
  readonly system: string
  readonly policy: readonly Judged[]
  readonly rule: readonly Judged[]
}

/** Plays the policy and the problem's own rule on the same episodes under the same preferences. */
export async function playFronts(
  collectors: Collectors,
  system: string,
  policy: PolicyNetwork,
  { preferences, sets, episodes, firstSeed }: FrontSettings,
): Promise<FrontPair> {
  const play = (network?: PolicyNetwork) =>
    Promise.all(
      Array.from({ length: sets }, (_, set) =>
        collectors.ask({
          kind: 'judge',
          options: { system, preferences, firstSeed: firstSeed + set * episodes, episodes },
          ...(network && { policy: network }),
        }),
      ),
    )
  const [ours, rule] = await Promise.all([play(policy), play()])
  return { system, policy: ours, rule }
}

/** Reference points: each objective's worst value on the rule's front of the same seed set. */
export const cornersOf = (front: Judged): number[] =>
  front[0]!.map((_, objective) => Math.max(...front.map((costs) => costs[objective]!)))

/** Volume of a front of costs below a reference of costs. */
export const volumeBelow = (front: Judged, reference: readonly number[]): number =>
  hypervolume(
    front.map((costs) => costs.map((cost) => -cost)),
    reference.map((cost) => -cost),
  )

/**
 * Hypervolume of the policy over the rule's: each seed set's with the reference of that set, the mean over the sets, and a 95 %
 * interval from the sets in pairs.
 *
 * @param reference undefined: the tight one, the rule's own corners
 */
export function volumeRatio({ policy, rule }: FrontPair, reference?: readonly number[]): RatioInterval {
  const volumes = (fronts: readonly Judged[]) =>
    fronts.map((front, set) => volumeBelow(front, reference ?? cornersOf(rule[set]!)))
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  return pairedRatioInterval(volumes(policy), volumes(rule), mean, { random: new RandomStream(95) })
}

/** Mean over the seed sets. */
export const meanFront = (fronts: readonly Judged[]): Judged =>
  fronts[0]!.map((costs, at) =>
    costs.map(
      (_, objective) => fronts.reduce((sum, front) => sum + front[at]![objective]!, 0) / fronts.length,
    ),
  )

/** Rank correlation of the weight of the first objective with its cost: −1 when more weight always brings less of it. */
export const preferenceSpearman = (
  { policy }: FrontPair,
  preferences: readonly (readonly number[])[],
): number =>
  spearman(
    preferences.map((weights) => weights[0]!),
    meanFront(policy).map((costs) => costs[0]!),
  )

/** The systems of a problem, by what they are called. */
export const systemsOf = (problem: Problem): string[] => [...problem.judging.keys()]
