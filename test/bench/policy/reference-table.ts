import { type EnvironmentPolicy, MecEnvironment, type MecObservation } from '@isthmus/policies/env'
import {
  allCloud,
  allEdge,
  type EpisodeOutcome,
  Greedy,
  leastWork,
  playEpisodes,
  roundRobin,
  shortestQueue,
} from '@isthmus/policies/heuristics'

/** Mean sojourn time of a task, s, and its standard error: 5,000 episodes of an independent copy of the environment. */
const reference = [
  {
    edges: 1,
    means: [22.86, 92.031, 14.171, 5.638, 5.744, 5.5],
    errors: [0.123, 0.271, 0.081, 0.042, 0.044, 0.042],
  },
  {
    edges: 3,
    means: [68.613, 186.022, 15.593, 7.349, 7.575, 7.215],
    errors: [0.225, 0.452, 0.074, 0.043, 0.048, 0.042],
  },
  {
    edges: 5,
    means: [115.454, 280.196, 17.416, 9.083, 9.278, 8.986],
    errors: [0.316, 0.633, 0.069, 0.044, 0.05, 0.043],
  },
  {
    edges: 8,
    means: [185.95, 421.468, 20.367, 11.62, 11.677, 11.563],
    errors: [0.452, 0.903, 0.068, 0.045, 0.051, 0.044],
  },
] as const

/** That copy takes uploads for free; ours does not. */
const UPLOAD_SHARE = 0.01

export interface TableCell {
  readonly edges: number
  readonly policy: string
  readonly meanS: number
  readonly standardError: number
  readonly referenceS: number
  /** Deviation beyond the share of uploads, in combined standard errors. */
  readonly z: number
}

export interface Measured {
  readonly cells: readonly TableCell[]
  /** Worst relative difference between what an episode was charged and what its tasks waited. */
  readonly telescopingMaxRelErr: number
}

const policies = (): EnvironmentPolicy<MecObservation>[] => [
  allCloud(),
  allEdge(),
  roundRobin({ turnEvery: 'slot' }),
  shortestQueue(),
  leastWork(),
  new Greedy(),
]

/** Plays every rule of the table on `episodes` episodes of the seeds from `firstSeed` on. */
export function measureTable(episodes: number, firstSeed: number, say: (line: string) => void): Measured {
  let telescopingMaxRelErr = 0
  const cells = reference.flatMap(({ edges, means, errors }) => {
    say(`playing ${episodes} episodes of each rule with ${edges} edge servers`)
    const environment = new MecEnvironment({ edges, cloudHz: 4e9, edgeHz: 2e9 })
    return policies().map((policy, column): TableCell => {
      const outcomes = playEpisodes(environment, policy, [1, 0], { firstSeed, episodes })
      for (const { sojournS, chargedS } of outcomes) {
        telescopingMaxRelErr = Math.max(telescopingMaxRelErr, Math.abs(chargedS / sojournS - 1))
      }
      const { mean, standardError } = perTask(outcomes)
      const referenceS = means[column]!
      const beyond = Math.max(0, Math.abs(mean - referenceS) - UPLOAD_SHARE * referenceS)
      const z = beyond / Math.hypot(standardError, errors[column]!)
      return { edges, policy: policy.name, meanS: mean, standardError, referenceS, z }
    })
  })
  return { cells, telescopingMaxRelErr }
}

/** Mean over all tasks, not over episodes: those with more tasks count for more. Error by the delta method. */
function perTask(outcomes: readonly EpisodeOutcome[]) {
  const tasks = outcomes.reduce((sum, outcome) => sum + outcome.tasks, 0)
  const mean = outcomes.reduce((sum, outcome) => sum + outcome.sojournS, 0) / tasks
  const squares = outcomes.reduce((sum, outcome) => sum + (outcome.sojournS - mean * outcome.tasks) ** 2, 0)
  return { mean, standardError: Math.sqrt(squares) / tasks }
}
