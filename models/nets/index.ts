export { type BottleFitWidths, bottleFitDecoder, bottleFitEncoder } from './bottlefit.ts'
export {
  type PublishedDecoder,
  type PublishedEncoder,
  publishedDecoder,
  publishedEncoder,
} from './bottlefit-published.ts'
export { storeByteWeights } from './byte-weights.ts'
export { embedModel } from './embed-model.ts'
export { addEnsembleMember, ensembleEncoder } from './ensemble-encoder.ts'
export { type ExitSizes, exitNet } from './exit.ts'
export { type FactorizedPriorSizes, factorizedPrior } from './factorized-prior.ts'
export { type FilterWidths, filterNet, interest } from './filter.ts'
export { foldBatchNorm } from './fold-batch-norm.ts'
export { foldSlices } from './fold-slices.ts'
export { gains } from './gains.ts'
export { storeHalfWeights, weightsOf } from './half-weights.ts'
export { type LocalWidths, localNet } from './local.ts'
export { mobileNet } from './mobile.ts'
export { type ConvOptions, NetBuilder, type NetOptions } from './net-builder.ts'
export { type SlimmableEncoderSizes, slimmableEncoder } from './slimmable-encoder.ts'
export { type TaskDecoderSizes, taskDecoder } from './task-decoder.ts'
export { type TeacherTaps, type TeacherWidths, teacher, teacherEnd, teacherTail } from './teacher.ts'
export { whiteningKernels } from './whitening.ts'
