export { THROUGH_BATCH } from './batch-statistics.ts'
export { differentiate, type ForwardPass } from './differentiate.ts'
export { type AutodiffErrorCode, autodiffErrors } from './errors.ts'
export { type Adam, corrections, type Optimizer, type Sgd } from './optimizer.ts'
export { gradientRules, STOP_GRADIENT } from './rules/index.ts'
export { type GradientRule, Tape } from './tape.ts'
export {
  compileTrainingStep,
  type ParameterGroup,
  type TrainingState,
  type TrainingStep,
  type TrainingStepOptions,
} from './training-step.ts'
