export { SplitEnvironment, type SplitInfo } from './split-environment.ts'
export {
  type ServerReport,
  SPLIT_OBSERVATION,
  type SplitCandidate,
  type SplitObservation,
} from './split-observation.ts'
export type { DevicePower, SplitOptions, SplitServer } from './split-options.ts'
