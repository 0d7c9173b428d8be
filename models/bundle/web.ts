export { type Bundle, bundleFromFiles, type LoadOptions } from './bundle.ts'
export type { Exit, ExitPoint, Filter, FilterPoint } from './gates.ts'
export {
  type HeadRole,
  type ImageCoding,
  type Manifest,
  type Mode,
  type ModelFile,
  type ModelRole,
  parseManifest,
} from './manifest.ts'
export { decodersOf, type LatentTask, type TaskDecoder } from './tasks.ts'
