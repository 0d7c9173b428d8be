import { RandomStream } from '../../env/index.ts'
import { optionChecks } from '../../option-checks.ts'
import { costOfPlan } from '../schedule/cost.ts'
import type { SchedulePlan } from '../schedule/plan.ts'
import type { SchedulingProblem } from '../schedule/problem.ts'
import { checkGoal } from './check-goal.ts'
import { AssignmentSearch } from './exact/assignment-search.ts'
import { BranchAndBound } from './exact/branch-and-bound.ts'
import { costUnits } from './exact/cost-units.ts'
import { takeTurns } from './exact/take-turns.ts'
import { greedy } from './greedy.ts'
import { heft, lookaheadHeft } from './heft.ts'
import { localSearch } from './local-search.ts'
import type { Planner, PlanningGoal } from './planner.ts'
import { allLocal } from './simple-planners.ts'

export interface ExactOptions {
  /** Time that it may take by `clock`, ms. */
  readonly budgetMs: number
  /** Time now, ms. */
  readonly clock: () => number
  /** Partial schedules that it may look at. Default: as many as the time allows. */
  readonly maxNodes?: number
  /** Memory for partial schedules seen before, MiB. Default 64. */
  readonly tableMiB?: number
}

export interface ExactSolution {
  readonly plan: SchedulePlan
  readonly cost: number
  /** No plan costs less; `cost` itself when it is optimal. */
  readonly lowerBound: number
  /** Whether no plan is cheaper by more than a billionth. */
  readonly optimal: boolean
  /** Partial schedules that it looked at. */
  readonly nodes: number
}

/** Relative difference of costs that counts as none. */
const SAME = 1e-9

/** Nodes after which a problem counts as hard. */
const EASY = 2 ** 14

/** Plans that local search looks at, over the square of the number of tasks: at once, and again where the problem is hard. */
const EVALUATIONS = 100
const MORE_EVALUATIONS = 1000

/**
 * The cheapest plan of a small problem, by branch and bound over the schedules that waste no time: proved optimal where the budget
 * allows, else the best found and how good the best can be. For latency and energy.
 *
 * @throws IsthmusError `BAD_OPTION`: an imbalance weight, more than 64 tasks or 31 hosts, a bad budget, a
 *   reference by which nothing can be compared
 */
export function solveExactly(
  problem: SchedulingProblem,
  goal: PlanningGoal,
  { budgetMs, clock, maxNodes = Number.MAX_SAFE_INTEGER, tableMiB = 64 }: ExactOptions,
): ExactSolution {
  const { within, bad } = optionChecks('exact solver')
  within('budgetMs', budgetMs, 0, Number.MAX_SAFE_INTEGER)
  within('maxNodes', maxNodes, 0, Number.MAX_SAFE_INTEGER)
  within('tableMiB', tableMiB, 1, 1024)
  checkGoal(goal)
  if ((goal.weights.imbalance ?? 0) !== 0)
    throw bad('the weight of imbalance must be 0: it has no useful bound')
  within('tasks', problem.tasks, 0, 64)
  within('hosts', problem.hosts, 1, 31)
  const endMs = clock() + budgetMs
  const late = () => clock() >= endMs
  const cost = (plan: SchedulePlan) => costOfPlan(problem, plan, goal.weights, goal.reference)
  const improve = (plan: SchedulePlan, evaluations: number) =>
    localSearch({
      seed: { name: 'best yet', plan: () => plan },
      // The same each time: what it finds only spares work.
      random: new RandomStream(0),
      evaluations: evaluations * problem.tasks ** 2,
      budgetMs: Math.max(0, endMs - clock()) / 4,
      clock,
    }).plan(problem, goal)
  const limitOf = (plan: SchedulePlan) => cost(plan) * (1 - SAME)

  const units = costUnits(problem, goal)
  const bySequence = new BranchAndBound(units, tableMiB * 2 ** 20)
  let plan = improve(bestOf(problem, goal, [heft, lookaheadHeft, greedy, allLocal]), EVALUATIONS)
  bySequence.advance(limitOf(plan), Math.min(EASY, maxNodes), late)
  plan = bySequence.best ?? plan
  let optimal = bySequence.complete
  let nodes = bySequence.nodes
  if (!optimal && nodes < maxNodes && !late()) {
    plan = improve(plan, MORE_EVALUATIONS)
    const byAssignment = new AssignmentSearch(units)
    const searches = [byAssignment, bySequence]
    optimal = takeTurns(searches, limitOf(plan), maxNodes - nodes, late)
    for (const { best } of searches) if (best && cost(best) < cost(plan)) plan = best
    nodes = byAssignment.nodes + bySequence.nodes
  }
  const found = cost(plan)
  const lowerBound = optimal ? found : Math.min(found, bySequence.lowerBound)
  return { plan, cost: found, lowerBound, optimal, nodes }
}

function bestOf(problem: SchedulingProblem, goal: PlanningGoal, planners: readonly Planner[]): SchedulePlan {
  let best: SchedulePlan | undefined
  let least = Infinity
  for (const planner of planners) {
    const plan = planner.plan(problem, goal)
    const cost = costOfPlan(problem, plan, goal.weights, goal.reference)
    if (best && cost >= least) continue
    best = plan
    least = cost
  }
  return best!
}
