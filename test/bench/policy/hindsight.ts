import { type EnvironmentPolicy, MecEnvironment, type MecObservation } from '@isthmus/policies/env'
import {
  cornerOf,
  LearnedPolicy,
  mecCandidates,
  type PolicyNetwork,
  volumeBelow,
} from '@isthmus/policies/gmorl'
import { Greedy, hindsightPlan, playEpisodes } from '@isthmus/policies/heuristics'
import type { SuiteContext } from '../suite.ts'

const FIRST_SEED = 8_500_000_000

/** How much of what knowing the future is worth a policy has without knowing it. */
export interface HeadRoom {
  readonly system: string
  /** Hypervolume over greedy-ω's (its corners the reference). */
  readonly learned: number
  readonly hindsight: number
  /** Share of the gap between greedy-ω and hindsight that the policy closes. */
  readonly closed: number
}

/** Corners, and exchange rates between them spread evenly by their logarithm: few points where trade-offs lie. */
const gridOf = (points: number): number[][] =>
  Array.from({ length: points }, (_, at) => {
    const odds =
      at === 0 ? Infinity : at === points - 1 ? 0 : 0.7 * (0.003 / 0.7) ** ((at - 1) / (points - 3))
    return odds === Infinity ? [0, 1] : [1 / (1 + odds), odds / (1 + odds)]
  })

/** Greedy-ω, the policy, and the policy's own plans improved with knowledge of all tasks to come, on the same few episodes. */
export function measureHeadRoom(policy: PolicyNetwork, { quick, say }: SuiteContext): HeadRoom[] {
  const settings = quick ? { edges: [2], points: 5, episodes: 1 } : { edges: [3, 8], points: 11, episodes: 2 }
  const learned = new LearnedPolicy(mecCandidates, policy.shape, policy.weights)
  return settings.edges.map((edges) => {
    const make = () => new MecEnvironment({ edges, cloudHz: 4e9, edgeHz: 2e9 })
    const environment = make()
    const scratch = make()
    const grid = gridOf(settings.points)
    const seeds = { firstSeed: FIRST_SEED, episodes: settings.episodes }
    const mean = (outcomes: readonly { tasks: number; sojournS: number; energyJ: number }[]): number[] => {
      const sum = (of: 'tasks' | 'sojournS' | 'energyJ') =>
        outcomes.reduce((total, one) => total + one[of], 0)
      return [sum('sojournS') / sum('tasks'), sum('energyJ') / sum('tasks')]
    }
    const front = (player: EnvironmentPolicy<MecObservation>) =>
      grid.map((weights) => mean(playEpisodes(environment, player, weights, seeds)))
    const rule = front(new Greedy())
    const ours = front(learned)
    const known = grid.map((weights) =>
      mean(
        Array.from({ length: settings.episodes }, (_, at) =>
          hindsightPlan(environment, scratch, learned, weights, { seed: FIRST_SEED + at }),
        ),
      ),
    )
    const reference = cornerOf(rule)
    const over = (of: number[][]) => volumeBelow(of, reference) / volumeBelow(rule, reference)
    const room = { system: `E=${edges}`, learned: over(ours), hindsight: over(known) }
    say(`${room.system}: hypervolume ${room.learned.toFixed(4)}, with hindsight ${room.hindsight.toFixed(4)}`)
    return { ...room, closed: (room.learned - 1) / (room.hindsight - 1) }
  })
}
