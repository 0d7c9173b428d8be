export type { Quantizer } from '../codec/quantizer.ts'
export { type Bundle, bundleFromFiles, type LoadOptions } from './bundle.ts'
export type { Exit, ExitPoint, Filter, FilterPoint } from './gates.ts'
export { loadBundle } from './load.ts'
export {
  type HeadRole,
  type ImageCoding,
  type Manifest,
  type Mode,
  type ModelFile,
  type ModelRole,
  parseManifest,
} from './manifest.ts'
export { withoutDominated } from './prune-modes.ts'
export { replyFault } from './reply-size.ts'
export { decodersOf, type LatentTask, type TaskDecoder } from './tasks.ts'
export { type ManifestDraft, type TaskDraft, writeBundle } from './write.ts'
