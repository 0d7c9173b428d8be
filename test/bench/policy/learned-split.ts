import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type EnvironmentPolicy,
  RandomStream,
  type SplitEnvironment,
  type SplitObservation,
} from '@isthmus/policies/env'
import {
  type Judged,
  judge,
  LearnedPolicy,
  type PolicyNetwork,
  type Problem,
  problemOf,
} from '@isthmus/policies/gmorl'
import {
  allLocal,
  deadlineRule,
  fixedMode,
  GreedySplit,
  HindsightGreedy,
  measuredCost,
} from '@isthmus/policies/heuristics/split'
import { pairedRatioInterval, type RatioInterval } from '@isthmus/policies/pareto'
import { parseSecondsMbps, type RateTrace } from '@isthmus/policies/sim'
import type { Detail, SuiteContext } from '../suite.ts'
import { volumeBelow } from './fronts.ts'

const FIRST_SEED = 7_000_000_000

export interface LearnedSplit {
  /** Over the heuristic with the greatest hypervolume. */
  readonly ratio: RatioInterval
  readonly best: string
  readonly detail: Detail
}

/** Traces of the folder of ISTHMUS_SHARED_DATA; none where it is absent. */
async function recordedTraces(): Promise<RateTrace[]> {
  const folder = process.env.ISTHMUS_SHARED_DATA
  if (folder === undefined) return []
  const files = (await readdir(join(folder, 'traces'))).filter((file) => file.endsWith('.txt')).sort()
  return Promise.all(
    files.map(async (name) =>
      parseSecondsMbps(await readFile(join(folder, 'traces', name), 'utf8'), { name, maxGapS: 600 }),
    ),
  )
}

/**
 * The learned policy of `split` and every heuristic on links that no training has seen: delay, energy and error of each preference.
 * All are scored by the volume below one reference, the worst values on greedy-ω's front of the same seed set.
 */
export async function measureSplit(
  policy: PolicyNetwork,
  { quick, say }: SuiteContext,
): Promise<LearnedSplit> {
  const recorded = await recordedTraces()
  const problem = problemOf(
    recorded.length > 0 ? { env: 'split', heldOut: recorded } : { env: 'split' },
  ) as Problem<SplitObservation>
  const system = [...problem.judging.keys()][0]!
  const environment = problem.judging.get(system) as SplitEnvironment
  const settings = quick ? { points: 40, sets: 3, episodes: 6 } : { points: 151, sets: 10, episodes: 60 }
  const preferences = problem.grid(settings.points, new RandomStream(41))
  const play = (player: EnvironmentPolicy<SplitObservation>, of = preferences): Judged[] =>
    Array.from({ length: settings.sets }, (_, set) =>
      judge(problem, player, {
        system,
        preferences: of,
        firstSeed: FIRST_SEED + set * settings.episodes,
        episodes: settings.episodes,
      }),
    )
  const one = preferences.slice(0, 1)
  const modes = [...new Set(environment.candidates.map(({ mode }) => mode.mode))]
  const servers = [...new Set(environment.candidates.map(({ server }) => Math.max(0, server)))]
  const fronts: Record<string, Judged[]> = {
    learned: play(new LearnedPolicy(problem.encoding, policy.shape, policy.weights)),
    greedy: play(new GreedySplit()),
  }
  say('split: learned policy and greedy played')
  const union = (parts: Judged[][]): Judged[] =>
    parts[0]!.map((_, set) => parts.flatMap((part) => part[set]!))
  fronts['deadline rule'] = union([0, 0.1, 0.2, 0.4].map((margin) => play(deadlineRule({ margin }), one)))
  fronts['measured cost'] = play(measuredCost(), quick ? one : preferences.slice(0, 31))
  fronts['all local'] = play(allLocal(), one)
  fronts['any fixed mode'] = union(
    modes.flatMap((mode) => servers.map((server) => play(fixedMode(mode, server), one))),
  )
  const yardstick = play(new HindsightGreedy(environment))
  say('split: heuristics played')
  const references = fronts.greedy!.map((front) =>
    front[0]!.map((_, k) => Math.max(...front.map((costs) => costs[k]!))),
  )
  const volumes = (of: Judged[]) => of.map((front, set) => volumeBelow(front, references[set]!))
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const byName = Object.fromEntries(Object.entries(fronts).map(([name, front]) => [name, volumes(front)]))
  const best = Object.keys(byName)
    .filter((name) => name !== 'learned')
    .reduce((a, b) => (mean(byName[a]!) >= mean(byName[b]!) ? a : b))
  const random = new RandomStream(95)
  return {
    ratio: pairedRatioInterval(byName.learned!, byName[best]!, mean, { random }),
    best,
    detail: {
      ...settings,
      traces: recorded.length > 0 ? `${recorded.length} recorded (3G, Puffer)` : 'generated',
      referenceMean: references[0]!.map((_, k) => mean(references.map((point) => point[k]!))),
      volumeOverGreedy: Object.fromEntries(
        Object.entries(byName).map(([name, of]) => [name, mean(of) / mean(byName.greedy!)]),
      ),
      hindsightOverGreedy: mean(volumes(yardstick)) / mean(byName.greedy!),
    },
  }
}
