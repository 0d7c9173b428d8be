export type { Environment, ResetOptions, ResetResult, RewardSpace, StepResult } from './environment.ts'
export * from './mec/index.ts'
export { RandomStream } from './random-stream.ts'
