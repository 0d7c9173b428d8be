export { TangWongEnvironment, type TangWongInfo } from './tang-wong-environment.ts'
export { ACTIVITY_SLOTS, TANG_WONG_OBSERVATION, type TangWongObservation } from './tang-wong-observation.ts'
export type { TangWongOptions } from './tang-wong-options.ts'
