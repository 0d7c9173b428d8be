// What a device needs of adaptation: nothing here loads what trains.
export { doubtOf } from './doubt.ts'
export {
  LocalStatistics,
  type LocalStatisticsSettings,
  localStatisticsSettings,
  type Moved,
} from './local-statistics.ts'
export { type Moments, momentsDistance } from './moments.ts'
export { decodeMoments, encodeMoments, momentsBytes } from './moments-code.ts'
export { type NormLayer, type NormLayout, normLayoutOf } from './norm-layers.ts'
export {
  copyNormParameters,
  type NormParameters,
  readNormParameters,
  withNormParameters,
} from './norm-parameters.ts'
export { momentsOf, parameterFeeds, withParameterInputs } from './parameter-inputs.ts'
export { plainWeights } from './plain-weights.ts'
