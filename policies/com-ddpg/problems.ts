import {
  type CentralCosts,
  DagCosts,
  DagRounds,
  HerdingCosts,
  HerdingRounds,
  type RoundEnvironment,
} from '../env/index.ts'
import { policyError } from '../errors.ts'
import { type DagScenarioOptions, dagScenario } from './dag-scenario.ts'

/** What agents are trained for, as plain data. */
export type RoundProblemSpec =
  | { readonly env: 'herding'; readonly arrivalChance?: number }
  | ({ readonly env: 'dag' } & DagScenarioOptions)

/** An environment of several agents, with who can tell them what is best. */
export interface RoundProblem {
  readonly name: string
  make(): RoundEnvironment
  teacher(): CentralCosts<never>
  /** The figure of an episode's summary that is to be low. */
  readonly judgedBy: string
}

/** Throws IsthmusError `BAD_OPTION` that names the field. */
export function roundProblem(spec: RoundProblemSpec): RoundProblem {
  switch (spec.env) {
    case 'herding': {
      const options = { arrivalChance: spec.arrivalChance ?? 0.3 }
      return {
        name: 'herding',
        make: () => new HerdingRounds(options),
        teacher: () => new HerdingCosts(),
        judgedBy: 'dropRatio',
      }
    }
    case 'dag': {
      const { env: _, ...options } = spec
      const scenario = dagScenario(options)
      const { users = 8, servers = 4, publishEvery = 25 } = options
      return {
        name: 'dag',
        make: () => new DagRounds({ scenario, users, servers, publishEvery }),
        teacher: () => new DagCosts(),
        judgedBy: 'latencyS',
      }
    }
    default:
      throw policyError(
        'BAD_OPTION',
        `com-ddpg: no environment "${(spec as { env: string }).env}"; there are herding and dag`,
      )
  }
}
