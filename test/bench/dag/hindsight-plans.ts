import { type RoundProblemSpec, roundEnvironment } from '@isthmus/policies/com-ddpg'
import {
  allLocal,
  allLocalReference,
  antColony,
  greedy,
  heft,
  localSearch,
  lookaheadHeft,
  outcomeOf,
  type Planner,
  timelineOf,
} from '@isthmus/policies/dag'
import { type DagRounds, playRounds, RandomStream } from '@isthmus/policies/env'
import { selfishRounds } from '@isthmus/policies/heuristics'
import { FIRST_SEED, type Played } from './agents.ts'
import { processorMs } from './graphs.ts'

const BUDGET_MS = 2000

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
  const budget = { budgetMs: BUDGET_MS, clock: processorMs }
  const planners: Planner[] = [
    allLocal,
    heft,
    lookaheadHeft,
    greedy,
    localSearch({ ...budget, random: new RandomStream(FIRST_SEED, 1) }),
    antColony({ ...budget, random: new RandomStream(FIRST_SEED, 2) }),
  ]
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
