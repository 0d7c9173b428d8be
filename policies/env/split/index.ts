export type { Candidate } from '../../sim/candidates.ts'
export { SplitEnvironment, type SplitInfo } from './split-environment.ts'
export {
  type ServerReport,
  SPLIT_OBSERVATION,
  type SplitObservation,
} from './split-observation.ts'
export type { SplitOptions, SplitServer } from './split-options.ts'
