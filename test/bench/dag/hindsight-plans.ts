import { type RoundProblemSpec, roundEnvironment } from '@isthmus/policies/com-ddpg'
import { allLocalReference, greedy, heft, outcomeOf, type Planner, timelineOf } from '@isthmus/policies/dag'
import { type DagRounds, playRounds } from '@isthmus/policies/env'
import { selfishRounds } from '@isthmus/policies/heuristics'
import { FIRST_SEED, type Played } from './agents.ts'

/** Planners of whole episodes, who know all jobs before they arrive. Transfers begin when a task is done, not a round later. */
export function planWithHindsight(
  spec: RoundProblemSpec,
  episodes: number,
  say: (line: string) => void,
): Played[] {
  const environment = roundEnvironment(spec) as DagRounds
  const problems = Array.from({ length: episodes }, (_, at) => {
    playRounds(environment, selfishRounds(), FIRST_SEED + at)
    return environment.problem
  })
  const planners: Planner[] = [heft, greedy]
  return planners.map((planner) => {
    const played = problems.map((problem) => {
      const goal = { weights: { latency: 1 }, reference: allLocalReference(problem) }
      const plan = planner.plan(problem, goal)
      const { latencyS, energyJ, imbalance } = outcomeOf(problem, plan, timelineOf(problem, plan))
      return {
        latencyS,
        energyJ: energyJ / problem.jobs.length,
        imbalance,
        cost: latencyS / goal.reference.latencyS,
      }
    })
    say(`${planner.name} with all jobs known before`)
    return { name: `${planner.name}, all jobs known before`, episodes: played }
  })
}
