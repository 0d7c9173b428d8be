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
export { type DataErrorCode, dataError, dataErrors } from './errors.ts'
export { type LabelledImages, sliceImages } from './labelled-images.ts'
export type { FetchProgress } from './package-files.ts'
