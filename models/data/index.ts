export { type BatchOptions, batchFiller, type FillBatch } from './augment.ts'
export { cacheFolder } from './cache-folder.ts'
export {
  type Cifar10,
  cifar10Labels,
  cifar10Mean,
  cifar10Sha256,
  cifar10Std,
  hasCifar10,
  type LoadOptions,
  loadCifar10,
} from './cifar10.ts'
export {
  benchmarkCorruptions,
  type ConstantsTable,
  type Corruption,
  type CorruptionConstants,
  type CorruptionSet,
  type CorruptionType,
  type Corruptor,
  corrupt,
  corruptImages,
  corruptionConstants,
  corruptionRandom,
  corruptionTypes,
  corruptor,
  heldOutCorruptions,
  type ImageSize,
  type PlanarImage,
  type Severity,
  severities,
} from './corruptions/index.ts'
export {
  type DownloadProgress,
  downloadProgress,
  loadCifar10WithProgress,
  type ProgressOutput,
} from './download-progress.ts'
export { type DataErrorCode, dataErrors } from './errors.ts'
export {
  type DecodeOptions,
  decodeImage,
  type Fit,
  type ImageInput,
  type RgbImage,
  toTensor,
} from './image-files.ts'
export { type LabelledImages, sliceImages } from './labelled-images.ts'
export { type MixedViewOptions, type MixView, mixedViews } from './mixed-views.ts'
export type { FetchProgress } from './package-files.ts'
export { listPhotos } from './photo-folder.ts'
export { hash32, type Random, seededRandom, shuffledIndices } from './random.ts'
export {
  type ClassOrder,
  type ShiftOrder,
  type ShiftStream,
  type ShiftStreamOptions,
  type StreamBatch,
  type StreamItem,
  shiftStream,
} from './streams/index.ts'
