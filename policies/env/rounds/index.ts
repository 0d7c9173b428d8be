export { type CentralCosts, centralRule, lowest } from './central-costs.ts'
export { HerdingCosts } from './herding-costs.ts'
export { HerdingRounds } from './herding-rounds.ts'
export {
  expectedS,
  OFFLOAD_OBSERVATION,
  type OffloadObservation,
  offloadObservation,
} from './offload-observation.ts'
export {
  playRounds,
  type RoundEnvironment,
  type RoundOutcomes,
  type RoundPolicy,
} from './round-environment.ts'
