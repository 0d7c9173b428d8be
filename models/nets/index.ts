export { type BottleFitWidths, bottleFitDecoder, bottleFitEncoder } from './bottlefit.ts'
export {
  type PublishedDecoder,
  type PublishedEncoder,
  publishedDecoder,
  publishedEncoder,
} from './bottlefit-published.ts'
export { foldBatchNorm } from './fold-batch-norm.ts'
export { storeHalfWeights, weightsOf } from './half-weights.ts'
export { type LocalWidths, localNet } from './local.ts'
export { type ConvOptions, NetBuilder, type NetOptions } from './net-builder.ts'
export { type TeacherTaps, type TeacherWidths, teacher, teacherEnd, teacherTail } from './teacher.ts'
export { whiteningKernels } from './whitening.ts'
