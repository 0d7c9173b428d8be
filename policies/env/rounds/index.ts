export {
  bestShare,
  type Division,
  dividedEndS,
  LEAST_SHARE,
  type PartTimes,
  partEndS,
} from './best-share.ts'
export { type CentralCosts, centralRule, lowest } from './central-costs.ts'
export { HerdingCosts } from './herding-costs.ts'
export { HerdingRounds } from './herding-rounds.ts'
export {
  expectedDivision,
  expectedS,
  OFFLOAD_OBSERVATION,
  type OffloadObservation,
  offloadObservation,
  partTimes,
} from './offload-observation.ts'
export {
  playRounds,
  type RoundEnvironment,
  type RoundOutcomes,
  type RoundPolicy,
} from './round-environment.ts'
