export { type AnswerEntropy, answerEntropy, entropyOf } from './answer-entropy.ts'
export {
  CemaSelector,
  type CemaSelectorOptions,
  cemaReleaseSelector,
  cemaSelector,
} from './cema-selector.ts'
export { type Collapse, CollapseGuard, type GuardOptions } from './collapse-guard.ts'
export { DiversityFilter } from './diversity-filter.ts'
export { EntropyThreshold, type ThresholdOptions, type ThresholdState } from './entropy-threshold.ts'
export { MostUncertainFirst, type MostUncertainOptions } from './most-uncertain-first.ts'
export { allowedInputs, type Privacy, privacyLevels } from './privacy.ts'
export type { Passed, SeenSample, UploadSelector, Verdict } from './selector.ts'
export { type SelectorName, selectorNamed, selectorNames } from './selectors.ts'
export { UplinkBudget } from './uplink-budget.ts'
export { type QueueOptions, UploadQueue } from './upload-queue.ts'
export { UtilityPerByte, type UtilityPerByteOptions } from './utility-per-byte.ts'
