import {
  type EnvironmentPolicy,
  type MecEnvironment,
  type MecObservation,
  RandomStream,
} from '@isthmus/policies/env'
import {
  cornerOf,
  type Judged,
  judge,
  LearnedPolicy,
  type PolicyNetwork,
  type Problem,
  problemOf,
  volumeBelow,
} from '@isthmus/policies/gmorl'
import { evolveFront, Greedy, MeteredPolicy } from '@isthmus/policies/heuristics'
import type { SuiteContext } from '../suite.ts'

const FIRST_SEED = 8_000_000_000
/** Episodes that NSGA-II evolves its front on. */
const EVOLUTION_SEED = 4_000_000_000

/** One way to decide, in all systems. */
export interface RuleRow {
  readonly name: string
  /** Hypervolume over greedy-ω's with its corners as reference, by system. */
  readonly volume: Readonly<Record<string, number>>
  /** In the largest system. */
  readonly msPerDecision: number
  readonly evaluationsPerDecision: number
}

/** A way to decide: what it plays, and whether it looks at the preference (one that does not needs one only). */
interface Entry {
  readonly name: string
  readonly heedsPreference: boolean
  readonly settings: readonly (() => EnvironmentPolicy<MecObservation>)[]
}

/** Every rule and the learned policy on the same few episodes: fronts, and what a decision costs. */
export function measureRules(policy: PolicyNetwork, { quick, say }: SuiteContext): RuleRow[] {
  const problem = problemOf(
    quick ? { env: 'mec', judged: [2] } : { env: 'mec', judged: [1, 3] },
  ) as Problem<MecObservation>
  const settings = quick ? { points: 5, episodes: 1 } : { points: 15, episodes: 2 }
  const evolution = quick ? { population: 4, generations: 1, episodes: 1 } : { episodes: 20 }
  const preferences = problem.grid(settings.points, new RandomStream(0))
  const learned = new LearnedPolicy(problem.encoding, policy.shape, policy.weights)
  const entries: Entry[] = [
    { name: 'learned', heedsPreference: true, settings: [() => learned] },
    { name: 'greedy-ω', heedsPreference: true, settings: [() => new Greedy()] },
    ...[...problem.heuristics].map(([name, heuristic]) => ({ name, ...heuristic })),
  ]
  const rows = new Map<
    string,
    { volume: Record<string, number>; msPerDecision: number; evaluationsPerDecision: number }
  >()
  for (const [system, environment] of problem.judging) {
    const options = { system, firstSeed: FIRST_SEED, episodes: settings.episodes }
    const evolved = evolveFront({
      environment: environment as MecEnvironment,
      firstSeed: EVOLUTION_SEED,
      ...evolution,
    })
    const nsga: Entry = {
      name: 'NSGA-II over parametrised greedy rules',
      heedsPreference: false,
      settings: evolved.map(
        ({ policy: member }) =>
          () =>
            member,
      ),
    }
    let rule: Judged | undefined
    for (const entry of [entries[1]!, entries[0]!, ...entries.slice(2), nsga]) {
      say(`${system}: ${entry.name}`)
      const played = entry.settings.map((make) => new MeteredPolicy(make(), () => performance.now()))
      const of = entry.heedsPreference ? preferences : preferences.slice(0, 1)
      const front = played.flatMap((player) => judge(problem, player, { ...options, preferences: of }))
      rule ??= front
      const reference = cornerOf(rule)
      const decisions = played.reduce((sum, player) => sum + player.decisions, 0)
      const evaluations = played.reduce((sum, player) => sum + player.evaluations, 0)
      rows.set(entry.name, {
        volume: {
          ...rows.get(entry.name)?.volume,
          [system]: volumeBelow(front, reference) / volumeBelow(rule, reference),
        },
        msPerDecision: played.reduce((sum, player) => sum + player.totalMs, 0) / decisions,
        evaluationsPerDecision: evaluations / decisions,
      })
    }
  }
  return [...rows].map(([name, row]) => ({ name, ...row }))
}
