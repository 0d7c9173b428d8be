import { RandomStream } from '@isthmus/policies/env'
import {
  Collectors,
  compareFronts,
  cornerOf,
  type FrontComparison,
  meanFront,
  type PolicyNetwork,
  type ProblemSpec,
  preferenceSpearman,
  problemOf,
  type VolumeRatio,
  volumeRatio,
} from '@isthmus/policies/gmorl'
import type { Detail, SuiteContext } from '../suite.ts'
import { unseenSystems } from './generalisation.ts'

/** Seeds that nothing else uses: training draws its own, judgements while training begin at 3·10⁹. */
const FIRST_SEED = 5_000_000_000
const UNSEEN_SEED = 6_000_000_000

export interface LearnedMec {
  /** By system: against greedy-ω with its own corners as reference, and with a loose one. */
  readonly tight: Readonly<Record<string, VolumeRatio>>
  readonly loose: Readonly<Record<string, VolumeRatio>>
  readonly unseen: Readonly<Record<string, VolumeRatio>>
  /** The weakest of the systems. */
  readonly spearman: number
  readonly fronts: readonly FrontComparison[]
  /** What the first seed set of each front was played with. */
  readonly played: {
    readonly preferences: readonly (readonly number[])[]
    readonly firstSeed: number
    readonly episodes: number
  }
  readonly detail: Detail
}

/** Plays the policy against greedy-ω: the published systems, and ones unlike those of its training. */
export async function measureMec(policy: PolicyNetwork, context: SuiteContext): Promise<LearnedMec> {
  const { quick, say, threads } = context
  const full = { points: 201, sets: 10, episodes: 100, firstSeed: FIRST_SEED }
  const seen = quick ? { ...full, points: 51, sets: 3, episodes: 6 } : full
  const unseen = { ...seen, firstSeed: UNSEEN_SEED, ...(quick ? { sets: 2 } : { points: 51, episodes: 8 }) }
  const play = async (spec: ProblemSpec, { points, ...settings }: typeof seen) => {
    const problem = problemOf(spec)
    const preferences = problem.grid(points, new RandomStream(0))
    const collectors = new Collectors(spec, threads)
    try {
      const fronts: FrontComparison[] = []
      for (const system of problem.judging.keys()) {
        fronts.push(await compareFronts({ problem, collectors, system, preferences, ...settings, policy }))
        say(`${system}: hypervolume over greedy's ${tightOf(fronts.at(-1)!).ratio.toFixed(4)}`)
      }
      return { problem, fronts, preferences }
    } finally {
      await collectors.dispose()
    }
  }
  const { problem, fronts, preferences } = await play({ env: 'mec' }, seen)
  const unseenRatios: Record<string, VolumeRatio> = {}
  for (const [name, spec] of Object.entries(unseenSystems)) {
    say(`unseen: ${name}`)
    unseenRatios[name] = tightOf((await play(spec, unseen)).fronts[0]!)
  }
  const { looseReferences } = problem
  const bySystem = <Value>(of: (front: FrontComparison) => Value) =>
    Object.fromEntries(fronts.map((front) => [front.system, of(front)]))
  const spearman = bySystem((front) => preferenceSpearman(front.policy, preferences))
  return {
    tight: bySystem(tightOf),
    loose: bySystem((front) => volumeRatio(front.policy, front.rule, looseReferences.get(front.system)!)),
    unseen: unseenRatios,
    spearman: Math.max(...Object.values(spearman)),
    fronts,
    played: { preferences, firstSeed: seen.firstSeed, episodes: seen.episodes },
    detail: {
      seen,
      unseen,
      tightReferences: bySystem((front) => cornerOf(meanFront(front.rule))),
      looseReferences: Object.fromEntries([...looseReferences].map(([name, point]) => [name, [...point]])),
      spearman,
    },
  }
}

const tightOf = ({ policy, rule }: FrontComparison): VolumeRatio => volumeRatio(policy, rule)
