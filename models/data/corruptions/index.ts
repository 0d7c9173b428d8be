export { type ConstantsTable, type CorruptionConstants, corruptionConstants } from './constants.ts'
export { corrupt, corruptImages, corruptionRandom, corruptor, type PlanarImage } from './corrupt.ts'
export {
  benchmarkCorruptions,
  type Corruption,
  type CorruptionSet,
  type CorruptionType,
  type Corruptor,
  corruptionTypes,
  heldOutCorruptions,
  type ImageSize,
  type Severity,
  severities,
} from './types.ts'
