export { improvingPlanner } from './improving-planner.ts'
export { type PipelineForm, pipelineGraph } from './pipeline-graph.ts'
export {
  type PipelineObservation,
  type PipelinePolicy,
  type Placement,
  type PlanningPolicyOptions,
  planningPolicy,
  type ServerLoad,
} from './pipeline-policy.ts'
export { type PlacementView, placementProblem } from './placement-problem.ts'
export { type RemoteGroup, remoteGroups, type StageHost, stageGroup } from './remote-groups.ts'
