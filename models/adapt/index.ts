export { type AdaptErrorCode, adaptErrors } from './errors.ts'
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
export { plainWeights } from './plain-weights.ts'
export { unfoldBatchNorm } from './unfold-batch-norm.ts'
