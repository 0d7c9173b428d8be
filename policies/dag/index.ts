export { type AhpWeights, ahpWeights } from './ahp.ts'
export { type AlibabaJob, type AlibabaTask, alibabaJobs } from './graph/alibaba/batch-task.ts'
export { type AlibabaOptions, graphFromAlibaba } from './graph/alibaba/graph-from-alibaba.ts'
export { type AlibabaName, parseAlibabaName } from './graph/alibaba/task-name.ts'
export { checkTaskGraph, type GraphLimits } from './graph/check-task-graph.ts'
export { type DotOptions, graphFromDot } from './graph/dot/graph-from-dot.ts'
export { taskGraphToDot } from './graph/dot/task-graph-to-dot.ts'
export { type ArrivalOptions, jobArrivals } from './graph/random/job-arrivals.ts'
export {
  randomTaskGraph,
  TaskGraphGenerator,
  type TaskGraphOptions,
} from './graph/random/task-graph-generator.ts'
export type { Dependency, Task, TaskGraph } from './graph/task-graph.ts'
export { topologicalOrder } from './graph/topological-order.ts'
export { type AntColonyOptions, antColony } from './planners/ant-colony.ts'
export { greedy } from './planners/greedy.ts'
export { heft, lookaheadHeft } from './planners/heft.ts'
export { type LocalSearchOptions, localSearch, type SearchBudget } from './planners/local-search.ts'
export { pilotHeft } from './planners/pilot-heft.ts'
export { energyOf, PlanCost } from './planners/plan-cost.ts'
export type { Planner, PlanningGoal } from './planners/planner.ts'
export { type RandomProblemOptions, randomProblem } from './planners/random-problem.ts'
export { allLocal, randomPlanner } from './planners/simple-planners.ts'
export { type ExactOptions, type ExactSolution, solveExactly } from './planners/solve-exactly.ts'
export { rankOrder, upwardRank } from './planners/upward-rank.ts'
export {
  allLocalReference,
  type CostReference,
  costOf,
  costOfPlan,
  type ScheduleWeights,
} from './schedule/cost.ts'
export { dividedPlan } from './schedule/divided-plan.ts'
export { outcomeOf } from './schedule/outcome.ts'
export type { Outcome, SchedulePlan, Timeline } from './schedule/plan.ts'
export type { DeviceHost, Job, Platform, ServerHost } from './schedule/platform.ts'
export { type SchedulingProblem, schedulingProblem } from './schedule/problem.ts'
export { type PlatformOptions, randomPlatform } from './schedule/random-platform.ts'
export { timelineOf } from './schedule/timeline.ts'
export { taskPriorities } from './task-priorities.ts'
