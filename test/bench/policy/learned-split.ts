import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RandomStream, type SplitEnvironment, type SplitObservation } from '@isthmus/policies/env'
import {
  Collectors,
  compareFronts,
  cornerOf,
  judge,
  type PolicyNetwork,
  type Problem,
  type ProblemSpec,
  problemOf,
  type VolumeRatio,
  volumeRatio,
} from '@isthmus/policies/gmorl'
import { HindsightGreedy } from '@isthmus/policies/heuristics/split'
import { parseSecondsMbps, type RateTrace } from '@isthmus/policies/sim'
import type { Detail, SuiteContext } from '../suite.ts'

const FIRST_SEED = 7_000_000_000

export interface LearnedSplit {
  /** Over the rule with the greatest hypervolume. */
  readonly ratio: VolumeRatio
  readonly best: string
  readonly detail: Detail
}

/** Traces of the folder of ISTHMUS_SHARED_DATA; none where it is absent. */
async function recordedTraces(): Promise<RateTrace[]> {
  const folder = process.env.ISTHMUS_SHARED_DATA
  if (folder === undefined) return []
  const files = (await readdir(join(folder, 'traces'))).filter((file) => file.endsWith('.txt')).sort()
  return Promise.all(
    files.map(async (name) => {
      const text = await readFile(join(folder, 'traces', name), 'utf8')
      return parseSecondsMbps(text, { name, maxGapS: 600 })
    }),
  )
}

/**
 * The learned policy of `split` and every rule on links that no training has seen: delay, energy and error of each preference. All are
 * scored by the volume below one reference, the worst values on greedy-ω's front of the same seed set.
 */
export async function measureSplit(
  policy: PolicyNetwork,
  { quick, say, threads }: SuiteContext,
): Promise<LearnedSplit> {
  const recorded = await recordedTraces()
  const spec: ProblemSpec = recorded.length > 0 ? { env: 'split', heldOut: recorded } : { env: 'split' }
  const problem = problemOf(spec)
  const system = [...problem.judging.keys()][0]!
  const settings = quick ? { points: 24, sets: 2, episodes: 4 } : { points: 101, sets: 10, episodes: 6 }
  const preferences = problem.grid(settings.points, new RandomStream(41))
  const collectors = new Collectors(spec, threads)
  const against = [...problem.heuristics.keys()]
  const {
    policy: ours,
    rule,
    others,
  } = await compareFronts({
    problem,
    collectors,
    system,
    preferences,
    sets: settings.sets,
    episodes: settings.episodes,
    firstSeed: FIRST_SEED,
    policy,
    against,
  }).finally(() => collectors.dispose())
  say('split: learned policy and all rules played')
  const known = (problem as Problem<SplitObservation>).judging.get(system) as SplitEnvironment
  const hindsight = Array.from({ length: settings.sets }, (_, set) =>
    judge(problem as Problem<SplitObservation>, new HindsightGreedy(known), {
      system,
      preferences,
      firstSeed: FIRST_SEED + set * settings.episodes,
      episodes: settings.episodes,
    }),
  )
  const rules = new Map([['greedy-ω', rule], ...others])
  const over = new Map([...rules].map(([name, fronts]) => [name, volumeRatio(fronts, rule).ratio]))
  const best = [...over.keys()].reduce((a, b) => (over.get(a)! >= over.get(b)! ? a : b))
  const corners = rule.map(cornerOf)
  return {
    // Both volumes below the same references, greedy-ω's corners.
    ratio: volumeRatio(ours, rules.get(best)!, (set) => corners[set]!),
    best,
    detail: {
      ...settings,
      traces: recorded.length > 0 ? `${recorded.length} recorded ones of 3G and homes` : 'generated ones',
      referenceMean: corners[0]!.map(
        (_, k) => corners.reduce((sum, corner) => sum + corner[k]!, 0) / corners.length,
      ),
      volumeOverGreedy: { learned: volumeRatio(ours, rule).ratio, ...Object.fromEntries(over) },
      hindsightOverGreedy: volumeRatio(hindsight, rule).ratio,
    },
  }
}
