import { GrowingPlan, type Pilot } from '../dag/planners/growing-plan.ts'
import type { Planner } from '../dag/planners/planner.ts'
import { RandomStream } from '../env/index.ts'
import { optionChecks } from '../option-checks.ts'
import { Actor } from './actor.ts'
import type { AgentsNetwork } from './agents-network.ts'
import { GraphAgent } from './graph-agent.ts'

export interface AgentPlannerOptions {
  /** Passes over the graph: the first takes what the agent holds best, each other draws by its probabilities. Default 1. */
  readonly passes?: number
  /** Of the draws. Default 0. */
  readonly seed?: number
}

/**
 * A trained actor as a planner of whole graphs: of the ready tasks and the hosts the actor says which come together next. Of the
 * plans that it saw on the way, with HEFT for the rest, it answers with the cheapest, so it is never worse than HEFT. The same
 * problem gives the same plan. Throws IsthmusError `BAD_OPTION`.
 */
export function agentPlanner(
  { shape, weights }: AgentsNetwork,
  { passes = 1, seed = 0 }: AgentPlannerOptions = {},
): Planner {
  optionChecks('agent planner').integer('passes', passes, 1, 10_000)
  const actor = new Actor(shape, weights)
  return {
    name: passes === 1 ? 'agent' : `agent, ${passes} passes`,
    plan(problem, goal) {
      const agent = new GraphAgent(actor, problem.hosts)
      const random = new RandomStream(seed, 0x706c616e)
      let best: Pilot | undefined
      for (let pass = 0; pass < passes; pass++) {
        const growing = new GrowingPlan(problem, goal)
        agent.begin()
        while (!growing.over) {
          const { pilots, choice } = agent.look(growing, pass === 0 ? undefined : random)
          for (const pilot of pilots) if (pilot && (!best || pilot.cost < best.cost)) best = pilot
          growing.place(pilots[choice]!)
        }
      }
      return best?.plan ?? new GrowingPlan(problem, goal).slots.plan()
    },
  }
}
