import { GrowingPlan, type Pilot } from '../dag/planners/growing-plan.ts'
import type { Planner } from '../dag/planners/planner.ts'
import { Actor } from './actor.ts'
import type { AgentsNetwork } from './agents-network.ts'
import { GraphAgent } from './graph-agent.ts'

/**
 * A trained actor as a planner of whole graphs: of the ready tasks and the hosts the actor says which come together next. Of the
 * plans that it saw on the way, with HEFT for the rest, it answers with the cheapest, so it is never worse than HEFT.
 */
export function agentPlanner({ shape, weights }: AgentsNetwork): Planner {
  const actor = new Actor(shape, weights)
  return {
    name: 'agent',
    plan(problem, goal) {
      const growing = new GrowingPlan(problem, goal)
      const agent = new GraphAgent(actor, problem.hosts)
      let best: Pilot | undefined
      while (!growing.over) {
        const { pilots, choice } = agent.look(growing)
        for (const pilot of pilots) if (pilot && (!best || pilot.cost < best.cost)) best = pilot
        growing.place(pilots[choice]!)
      }
      return best?.plan ?? growing.slots.plan()
    },
  }
}
