export { type CheckOptions, checkEnvironment } from './check-environment.ts'
export * from './dag/index.ts'
export { DeepSeaTreasure, type SubmarinePosition, TREASURES } from './deep-sea-treasure.ts'
export type {
  Environment,
  ForkableEnvironment,
  ResetOptions,
  ResetResult,
  RewardSpace,
  StepResult,
} from './environment.ts'
export { checkWeights, type EnvironmentPolicy } from './environment-policy.ts'
export * from './mec/index.ts'
export { RandomStream } from './random-stream.ts'
export * from './rounds/index.ts'
export * from './split/index.ts'
export * from './tang-wong/index.ts'
