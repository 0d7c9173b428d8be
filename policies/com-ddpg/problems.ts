import { costOfPlan, heft, type Planner, pilotHeft } from '../dag/index.ts'
import {
  type CentralCosts,
  centralRule,
  DagCosts,
  DagRounds,
  HerdingCosts,
  HerdingRounds,
  playRounds,
  RandomStream,
  type RoundEnvironment,
  type RoundPolicy,
} from '../env/index.ts'
import { policyError } from '../errors.ts'
import { selfishDivision, selfishRounds } from '../heuristics/round-rules.ts'
import type { Actor } from './actor.ts'
import { agentPlanner } from './agent-planner.ts'
import type { AgentsNetwork } from './agents-network.ts'
import { type DagScenarioOptions, dagScenario } from './dag-scenario.ts'
import { type GraphProblemOptions, graphProblems, latencyGoal, recordGraph } from './graph-problem.ts'
import { GRAPH_ROW, graphPlaces } from './graph-rows.ts'
import { DIVISION_ROW, ROW } from './offload-rows.ts'
import { isDivisible } from './recipe.ts'
import { recordEpisode } from './record-episode.ts'
import type { RoundRecord } from './round-record.ts'
import type { TalkOptions } from './talk.ts'
import { talkingRounds } from './talking-rounds.ts'

/** What agents are trained for, as plain data. */
export type RoundProblemSpec =
  | { readonly env: 'herding'; readonly arrivalChance?: number }
  | ({ readonly env: 'dag' } & DagScenarioOptions)
  | ({ readonly env: 'graph' } & GraphProblemOptions)

export interface PlayOptions extends TalkOptions {
  /** Who acts: the agents, or the teacher of the problem. */
  readonly acts: 'agents' | 'teacher'
  /** Whether the teacher says what each place costs. */
  readonly taught: boolean
}

/** Something that agents can be trained for. */
export interface RoundProblem {
  readonly name: string
  readonly agents: number
  readonly places: number
  /** Numbers of a row. */
  readonly row: number
  /** Plays one episode and writes it down. */
  record(actor: Actor, seed: number, options: PlayOptions): RoundRecord
  /** The figure that is to be low, and what rules come to that need no learning. */
  readonly figure: string
  readonly rules: readonly string[]
  /** Mean figure over episodes: of the agents, or of a rule. */
  judge(who: AgentsNetwork | string, firstSeed: number, episodes: number): number
}

/** Throws IsthmusError `BAD_OPTION` that names the field. */
export function roundProblem(spec: RoundProblemSpec): RoundProblem {
  if (spec.env === 'graph') {
    const { env: _, ...options } = spec
    return ofGraphs(options)
  }
  const make = () => roundEnvironment(spec)
  if (spec.env === 'herding')
    return inRounds('herding', 'dropRatio', make, new HerdingCosts() as CentralCosts<never>)
  const divisible = isDivisible(spec)
  return inRounds('dag', 'latencyS', make, new DagCosts() as CentralCosts<never>, divisible)
}

/**
 * A new environment of several agents. Throws IsthmusError `BAD_OPTION` that names the field, and for what is no such
 * environment.
 */
export function roundEnvironment(spec: RoundProblemSpec): RoundEnvironment {
  switch (spec.env) {
    case 'herding':
      return new HerdingRounds({ arrivalChance: spec.arrivalChance ?? 0.3 })
    case 'dag': {
      const { env: _, ...options } = spec
      const { users = 8, servers = 4, publishEvery = 25 } = options
      return new DagRounds({ scenario: dagScenario(options), users, servers, publishEvery })
    }
    default:
      throw policyError(
        'BAD_OPTION',
        `com-ddpg: "${spec.env}" is no environment of several agents; herding and dag are`,
      )
  }
}

/**
 * A problem of an environment in rounds, with who knows all as teacher.
 *
 * @param divisible whether there are tasks that can be divided: rules do then, and rows say what is asked for that
 */
export function inRounds(
  name: string,
  figure: string,
  make: () => RoundEnvironment,
  teacher: CentralCosts<never>,
  divisible = false,
): RoundProblem {
  const played = make()
  const judged = make()
  const central = teacher as unknown as CentralCosts
  const rules: Record<string, RoundPolicy> = {
    selfish: divisible ? selfishDivision() : selfishRounds(),
    central: centralRule(central, { divide: divisible }),
  }
  return {
    name,
    agents: played.agents,
    places: played.places,
    row: divisible ? DIVISION_ROW : ROW,
    figure,
    rules: Object.keys(rules),
    record: (actor, seed, { taught, ...options }) =>
      recordEpisode(played, actor, seed, {
        ...options,
        ...(taught && { teacher }),
      }),
    judge(who, firstSeed, episodes) {
      const policy = typeof who === 'string' ? rules[who]! : talkingRounds(name, who.shape, who.weights)
      return mean(episodes, (episode) => playRounds(judged, policy, firstSeed + episode)[figure]!)
    },
  }
}

function ofGraphs(options: GraphProblemOptions): RoundProblem {
  const draw = graphProblems(options)
  const hosts = 1 + (options.servers ?? 3)
  const rules: Record<string, Planner> = { HEFT: heft, 'pilot HEFT': pilotHeft() }
  return {
    name: 'graph',
    agents: 1,
    places: graphPlaces(hosts),
    row: GRAPH_ROW,
    figure: 'cost',
    rules: Object.keys(rules),
    record(actor, seed, { acts }) {
      const random = new RandomStream(seed, 0x67726170)
      return recordGraph(draw(random), actor, acts, random)
    },
    judge(who, firstSeed, episodes) {
      const planner = typeof who === 'string' ? rules[who]! : agentPlanner(who)
      return mean(episodes, (episode) => {
        const problem = draw(new RandomStream(firstSeed + episode, 0x67726170))
        const goal = latencyGoal(problem)
        return costOfPlan(problem, planner.plan(problem, goal), goal.weights, goal.reference)
      })
    },
  }
}

function mean(count: number, of: (index: number) => number): number {
  let sum = 0
  for (let index = 0; index < count; index++) sum += of(index)
  return sum / count
}
