import type { CostReference, ScheduleWeights } from '../schedule/cost.ts'
import type { SchedulePlan } from '../schedule/plan.ts'
import type { SchedulingProblem } from '../schedule/problem.ts'

/** What a plan is to be good at. */
export interface PlanningGoal {
  readonly weights: ScheduleWeights
  readonly reference: CostReference
}

/** Decides where all tasks of a problem run. Does no I/O. */
export interface Planner {
  readonly name: string
  plan(problem: SchedulingProblem, goal: PlanningGoal): SchedulePlan
}
