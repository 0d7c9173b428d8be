import {
  costOfPlan,
  type Planner,
  type PlanningGoal,
  type SchedulePlan,
  type SchedulingProblem,
} from '../dag/index.ts'

/** A plan that gives every task to the host that `choose` names, in the order of the problem. */
const planOf = ({ tasks }: SchedulingProblem, choose: (task: number) => number): SchedulePlan => {
  const sequence = Int32Array.from({ length: tasks }, (_, task) => task)
  return { host: sequence.map(choose), sequence }
}

const canRun = ({ executionS, hosts }: SchedulingProblem, task: number, host: number): boolean =>
  executionS[task * hosts + host]! < Number.POSITIVE_INFINITY

/** The host that a task runs on, or, where it cannot run there, the quickest one. */
function orQuickest(problem: SchedulingProblem, task: number, host: number): number {
  if (canRun(problem, task, host)) return host
  let best = 0
  for (let other = 1; other < problem.hosts; other++) {
    const { executionS, hosts } = problem
    if (executionS[task * hosts + other]! < executionS[task * hosts + best]!) best = other
  }
  return best
}

function improve(
  problem: SchedulingProblem,
  { weights, reference }: PlanningGoal,
  plan: SchedulePlan,
): number {
  const { host } = plan
  let cost = costOfPlan(problem, plan, weights, reference)
  for (;;) {
    let best: { readonly task: number; readonly to: number } | undefined
    for (let task = 0; task < problem.tasks; task++) {
      const from = host[task]!
      for (let to = 0; to < problem.hosts; to++) {
        if (to === from || !canRun(problem, task, to)) continue
        host[task] = to
        const tried = costOfPlan(problem, plan, weights, reference)
        if (tried < cost) {
          cost = tried
          best = { task, to }
        }
      }
      host[task] = from
    }
    if (!best) return cost
    host[best.task] = best.to
  }
}

/**
 * Starts with everything on one host, for each host, moves the one task whose move saves most until no move saves anything, and
 * gives the best of these plans. For graphs of a few tasks on a few hosts, decided anew for each frame.
 */
export const improvingPlanner: Planner = {
  name: 'improving',
  plan(problem, goal) {
    const plans = Array.from({ length: problem.hosts }, (_, host) => {
      const plan = planOf(problem, (task) => orQuickest(problem, task, host))
      return { plan, cost: improve(problem, goal, plan) }
    })
    return plans.reduce((best, other) => (other.cost < best.cost ? other : best)).plan
  },
}
