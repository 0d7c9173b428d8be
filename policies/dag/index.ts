export { type AhpWeights, ahpWeights } from './ahp.ts'
export type { Dependency, Task, TaskGraph } from './graph/task-graph.ts'
export { topologicalOrder } from './graph/topological-order.ts'
export type { Planner, PlanningGoal } from './planners/planner.ts'
export {
  allLocalReference,
  type CostReference,
  costOf,
  costOfPlan,
  type ScheduleWeights,
} from './schedule/cost.ts'
export { outcomeOf } from './schedule/outcome.ts'
export type { Outcome, SchedulePlan, Timeline } from './schedule/plan.ts'
export type { DeviceHost, Job, Platform, ServerHost } from './schedule/platform.ts'
export { type SchedulingProblem, schedulingProblem } from './schedule/problem.ts'
export { timelineOf } from './schedule/timeline.ts'
export { taskPriorities, upwardRanks } from './task-priorities.ts'
