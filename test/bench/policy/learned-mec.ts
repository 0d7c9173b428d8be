import { RandomStream } from '@isthmus/policies/env'
import { Collectors, type PolicyNetwork, type ProblemSpec, problemOf } from '@isthmus/policies/gmorl'
import type { RatioInterval } from '@isthmus/policies/pareto'
import type { Detail, SuiteContext } from '../suite.ts'
import {
  cornersOf,
  type FrontPair,
  meanFront,
  playFronts,
  preferenceSpearman,
  volumeRatio,
} from './fronts.ts'
import { unseenSystems } from './generalisation.ts'

/** Loose reference points (s a task, J a task) by system. */
const looseReferences: Readonly<Record<string, readonly [number, number]>> = {
  'E=1': [100, 0.06],
  'E=3': [200, 0.1],
  'E=5': [300, 0.15],
  'E=8': [450, 0.2],
}

/** Seeds that nothing else uses: training draws its own, judgements while training begin at 3·10⁹. */
const FIRST_SEED = 5_000_000_000
const UNSEEN_SEED = 6_000_000_000

export interface LearnedMec {
  /** By system: against greedy-ω with its own corners as reference, and with a loose one. */
  readonly tight: Readonly<Record<string, RatioInterval>>
  readonly loose: Readonly<Record<string, RatioInterval>>
  readonly unseen: Readonly<Record<string, RatioInterval>>
  /** The least strict of the systems. */
  readonly spearman: number
  readonly fronts: readonly FrontPair[]
  readonly detail: Detail
}

/** Plays the policy against greedy-ω: the published systems, and ones unlike those of its training. */
export async function measureMec(policy: PolicyNetwork, context: SuiteContext): Promise<LearnedMec> {
  const { quick, say, threads } = context
  const full = { points: 201, sets: 10, episodes: 100, firstSeed: FIRST_SEED }
  const seen = quick ? { ...full, points: 51, sets: 3, episodes: 6 } : full
  const unseen = { ...seen, firstSeed: UNSEEN_SEED, ...(quick ? { sets: 2 } : { points: 101, episodes: 30 }) }
  const play = async (spec: ProblemSpec, { points, ...settings }: typeof seen) => {
    const problem = problemOf(spec)
    const preferences = problem.grid(points, new RandomStream(0))
    const collectors = new Collectors(spec, threads)
    try {
      const pairs: FrontPair[] = []
      for (const system of problem.judging.keys()) {
        pairs.push(await playFronts(collectors, system, policy, { ...settings, preferences }))
        say(`${system}: hypervolume over greedy's ${volumeRatio(pairs.at(-1)!).ratio.toFixed(4)}`)
      }
      return { pairs, preferences }
    } finally {
      await collectors.dispose()
    }
  }
  const { pairs, preferences } = await play({ env: 'mec' }, seen)
  const unseenRatios: Record<string, RatioInterval> = {}
  for (const [name, spec] of Object.entries(unseenSystems)) {
    say(`unseen: ${name}`)
    const [pair] = (await play(spec, unseen)).pairs
    unseenRatios[name] = volumeRatio(pair!)
  }
  const bySystem = (of: (pair: FrontPair) => RatioInterval) =>
    Object.fromEntries(pairs.map((pair) => [pair.system, of(pair)]))
  return {
    tight: bySystem((pair) => volumeRatio(pair)),
    loose: bySystem((pair) => volumeRatio(pair, looseReferences[pair.system]!)),
    unseen: unseenRatios,
    spearman: Math.max(...pairs.map((pair) => preferenceSpearman(pair, preferences))),
    fronts: pairs,
    detail: {
      seen,
      unseen,
      tightReferences: Object.fromEntries(
        pairs.map(({ system, rule }) => [system, cornersOf(meanFront(rule))]),
      ),
      looseReferences: Object.fromEntries(
        Object.entries(looseReferences).map(([name, point]) => [name, [...point]]),
      ),
      spearman: Object.fromEntries(pairs.map((pair) => [pair.system, preferenceSpearman(pair, preferences)])),
    },
  }
}
