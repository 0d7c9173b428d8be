import { type EnvironmentPolicy, type MecObservation, RandomStream } from '@isthmus/policies/env'
import {
  type Judged,
  judge,
  LearnedPolicy,
  type PolicyNetwork,
  type Problem,
  problemOf,
} from '@isthmus/policies/gmorl'
import {
  allCloud,
  allEdge,
  Greedy,
  leastWork,
  MeteredPolicy,
  RollOut,
  randomServer,
  roundRobin,
  shortestQueue,
  staticMix,
} from '@isthmus/policies/heuristics'
import type { SuiteContext } from '../suite.ts'
import { cornersOf, volumeBelow } from './fronts.ts'

const FIRST_SEED = 8_000_000_000
const EDGES = [1, 3, 5, 8]
const MIXES = Array.from({ length: 11 }, (_, at) => at / 10)

/** One way to decide, in all systems. */
export interface RuleRow {
  readonly name: string
  /** Hypervolume over greedy-ω's with its corners as reference, by system. */
  readonly volume: Readonly<Record<string, number>>
  /** In the largest system. */
  readonly msPerDecision: number
  readonly evaluationsPerDecision: number
}

/** A way to decide: what it plays, and with which preferences (those that look at none need one only). */
interface Entry {
  readonly name: string
  readonly players: readonly EnvironmentPolicy<MecObservation>[]
  readonly prefers: boolean
}

/** Every rule and the learned policy on the same few episodes: fronts, and what a decision costs. */
export function measureRules(policy: PolicyNetwork, { quick, say }: SuiteContext): RuleRow[] {
  const problem = problemOf({ env: 'mec', judged: EDGES }) as Problem<MecObservation>
  const settings = quick ? { points: 11, episodes: 2 } : { points: 41, episodes: 20 }
  const preferences = problem.grid(settings.points, new RandomStream(0))
  const entries: Entry[] = [
    {
      name: 'learned',
      players: [new LearnedPolicy(problem.encoding, policy.shape, policy.weights)],
      prefers: true,
    },
    { name: 'greedy-ω', players: [new Greedy()], prefers: true },
    { name: 'roll-out on greedy-ω', players: [new RollOut()], prefers: true },
    { name: 'static mixes', players: MIXES.map((share) => staticMix(share)), prefers: false },
    { name: 'shortest queue', players: [shortestQueue()], prefers: false },
    { name: 'least work', players: [leastWork()], prefers: false },
    { name: 'round robin', players: [roundRobin()], prefers: false },
    { name: 'random', players: [randomServer()], prefers: false },
    { name: 'all cloud', players: [allCloud()], prefers: false },
    { name: 'all edge 1', players: [allEdge()], prefers: false },
  ]
  const volumes = entries.map(() => ({}) as Record<string, number>)
  const costs = entries.map(() => ({ msPerDecision: 0, evaluationsPerDecision: 0 }))
  for (const system of problem.judging.keys()) {
    say(`${system}: all rules`)
    const options = { system, firstSeed: FIRST_SEED, episodes: settings.episodes }
    const fronts = entries.map(
      ({ players, prefers }, at): Judged =>
        players.flatMap((player) => {
          const metered = new MeteredPolicy(player, () => performance.now())
          const front = judge(problem, metered, {
            ...options,
            preferences: prefers ? preferences : preferences.slice(0, 1),
          })
          costs[at] = {
            msPerDecision: metered.totalMs / metered.decisions,
            evaluationsPerDecision: player.evaluations / metered.decisions,
          }
          return front
        }),
    )
    const rule = fronts[entries.findIndex(({ name }) => name === 'greedy-ω')]!
    const reference = cornersOf(rule)
    for (const [at, front] of fronts.entries()) {
      volumes[at]![system] = volumeBelow(front, reference) / volumeBelow(rule, reference)
    }
  }
  return entries.map(({ name }, at) => ({ name, volume: volumes[at]!, ...costs[at]! }))
}
