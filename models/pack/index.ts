export { type Calibration, calibrate, ValueSample } from './calibrate.ts'
export { coded, LatentSample } from './coded.ts'
export { type BundleParts, bundleDraft, type PlannedMode, planModes } from './draft.ts'
export { type PackErrorCode, packError, packErrors } from './errors.ts'
export { checkLabelCount, labelFinder, parseLabels } from './labels.ts'
export { checkMessageSize, MAX_PAYLOAD_BYTES } from './message-size.ts'
export { describeNetwork, endsInSoftmax, isDistribution, type Network, withPortNames } from './network.ts'
export {
  type CutNetwork,
  cutNetwork,
  localNetwork,
  type OpenNetwork,
  openNetwork,
  type TrialAnswer,
  tryNetwork,
} from './networks.ts'
export { type Pixels, pixelsFromMeanStd, pixelsFromScale } from './normalisation.ts'
export { eachPhoto, encodeImage, evenly, type Photo, type Survey, sizeOf, surveyPhotos } from './photos.ts'
export { type Measurement, type ModeTally, type Parts, sampleLatents, tryModes } from './try-modes.ts'
