export { type AdaptableNetwork, adaptableNetwork, imageTensor } from './adaptable-network.ts'
export type { Adapter, BatchAnswer } from './adapter.ts'
export { CemaEngine, type CemaOptions, type CemaState, type TickReport } from './cema/cema-engine.ts'
export { type CemaSettings, cemaSettings } from './cema/settings.ts'
export { StudentStep } from './cema/student-step.ts'
export { doubtOf } from './doubt.ts'
export { softmaxEntropy, softmaxInto } from './entropy.ts'
export { type AdaptErrorCode, adaptErrors } from './errors.ts'
export type { Normalisation } from './graph-with-norms.ts'
export {
  LocalStatistics,
  type LocalStatisticsSettings,
  localStatisticsSettings,
  type Moved,
} from './local-statistics.ts'
export { type EntropySettings, eata, entropyAdapter, eta, tent } from './methods/entropy-adapter.ts'
export { FisherInformation } from './methods/fisher.ts'
export { fixedAdapter } from './methods/fixed.ts'
export { type SarSettings, sar, sarAdapter } from './methods/sar.ts'
export { type Moments, momentsDistance } from './moments.ts'
export { decodeMoments, encodeMoments, momentsBytes } from './moments-code.ts'
export { NormForward } from './norm-forward.ts'
export { type NormLayer, type NormLayout, normLayoutOf } from './norm-layers.ts'
export {
  channelsOf,
  checkNormParameters,
  copyNormParameters,
  type NormParameters,
  normKinds,
  readNormParameters,
  withNormParameters,
} from './norm-parameters.ts'
export { pixelReader } from './pixels.ts'
export { plainWeights } from './plain-weights.ts'
export { moveStatistics } from './running-statistics.ts'
export {
  halvesOf,
  type NormalisedHalf,
  type SplitNetwork,
  type SplitOptions,
  splitNetwork,
} from './split-network.ts'
export { unfoldBatchNorm } from './unfold-batch-norm.ts'
