export { Actor, type AgentMemory, type AgentThought } from './actor.ts'
export {
  type ActorShape,
  type ActorWeights,
  actorDims,
  actorParameters,
  type Communication,
  initialActor,
  lengthOf,
} from './actor-shape.ts'
export { agentPlanner } from './agent-planner.ts'
export { type AgentsManifest, parseAgentsManifest, sightOf } from './agents-manifest.ts'
export type { AgentsNetwork } from './agents-network.ts'
export { checkAgents } from './check-agents.ts'
export type { DagScenarioOptions } from './dag-scenario.ts'
export { dagScenario } from './dag-scenario.ts'
export { checkGradients, type GradientCheck } from './gradient-check.ts'
export { type GraphProblemOptions, graphProblems, latencyGoal } from './graph-problem.ts'
export { type AgentMessage, Listener } from './listener.ts'
export { DIVISION_ROW, DIVISION_ROWS, OFFLOAD_ROWS, ROW, writeRows } from './offload-rows.ts'
export { type RoundProblem, type RoundProblemSpec, roundEnvironment, roundProblem } from './problems.ts'
export {
  type ComDdpgRecipe,
  type ComDdpgStage,
  checkRatio,
  ddpgStage,
  defaultComDdpg,
  isDivisible,
  quickComDdpg,
} from './recipe.ts'
export { type ComDdpgForm, HIGHEST_COM_DDPG_SEED, parseComDdpg } from './recipe-form.ts'
export { recordEpisode } from './record-episode.ts'
export { Talk, type TalkOptions } from './talk.ts'
export { talkingRounds } from './talking-rounds.ts'
export { type ComDdpgProgress, type ComDdpgTraining, shapeOf, trainComDdpg } from './train-com-ddpg.ts'
