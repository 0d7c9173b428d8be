import {
  type AgentsNetwork,
  isDivisible,
  type RoundProblemSpec,
  roundEnvironment,
  roundProblem,
  type TalkOptions,
  talkingRounds,
} from '../com-ddpg/index.ts'
import { type CentralCosts, centralRule, DagCosts, HerdingCosts, playRounds } from '../env/index.ts'
import {
  localRounds,
  randomRounds,
  selfishDivision,
  selfishRounds,
  serverRounds,
} from '../heuristics/index.ts'

/** What an episode came to, by figure. */
export type EpisodeFigures = Readonly<Record<string, number>>

/** Who plays an episode, agents or a rule. */
export interface Contestant {
  readonly name: string
  play(seed: number): EpisodeFigures
}

/** All who play, and whom the others' figures are divided by. */
export interface Contest {
  readonly yardstick: string
  readonly contestants: readonly Contestant[]
}

/**
 * Agents and those that they are measured against. Agents that talk play three times: heard, with a share of messages lost, and
 * with all of them lost. Agents that divide tasks play once more with tasks left whole.
 */
export function contestOf(spec: RoundProblemSpec, network: AgentsNetwork, messageLoss: number): Contest {
  return spec.env === 'graph' ? amongPlanners(spec, network) : amongAgents(spec, network, messageLoss)
}

function amongAgents(
  spec: Exclude<RoundProblemSpec, { env: 'graph' }>,
  { shape, weights }: AgentsNetwork,
  messageLoss: number,
): Contest {
  const environment = roundEnvironment(spec)
  const agents = (name: string, options: TalkOptions) => talkingRounds(name, shape, weights, options)
  const costs = (spec.env === 'dag' ? new DagCosts() : new HerdingCosts()) as unknown as CentralCosts
  const policies = [
    agents('agents', {}),
    ...(shape.communication === 'none'
      ? []
      : [
          agents(`agents, ${Number((100 * messageLoss).toPrecision(3))} % of messages lost`, { messageLoss }),
          agents('agents, no message arrives', { messageLoss: 1 }),
        ]),
    ...(shape.ratio ? [agents('agents, tasks whole', { whole: true })] : []),
    { ...randomRounds(), name: 'random' },
    { ...selfishRounds(), name: 'selfish' },
    { ...centralRule(costs), name: 'central, full information' },
    ...(isDivisible(spec)
      ? [
          { ...localRounds(), name: 'all local' },
          { ...serverRounds(), name: 'all on servers' },
          { ...selfishDivision(), name: 'selfish, tasks divided' },
          centralRule(costs, { divide: true }),
        ]
      : []),
  ]
  const contestants = policies.map((policy) => ({
    name: policy.name,
    play: (seed: number) => playRounds(environment, policy, seed),
  }))
  return { yardstick: 'selfish', contestants }
}

function amongPlanners(spec: RoundProblemSpec, network: AgentsNetwork): Contest {
  const problem = roundProblem(spec)
  const { figure, rules } = problem
  const of = (name: string, who: AgentsNetwork | string): Contestant => ({
    name,
    play: (seed) => ({ [figure]: problem.judge(who, seed, 1) }),
  })
  return {
    yardstick: rules[0]!,
    contestants: [of('agent', network), ...rules.map((rule) => of(rule, rule))],
  }
}
