export { type Candidate, candidatesOf, ENVELOPE_BYTES } from './candidates.ts'
export { cifarManifestModes, cifarModes } from './cifar-modes.ts'
export * from './fleet/index.ts'
export {
  checkFrameModes,
  type FrameMode,
  frameModesOf,
  type MacSpeeds,
  type ManifestMode,
} from './frame-mode.ts'
export { type GeneratedTraceOptions, generatedTrace } from './generated-trace.ts'
export { type DevicePower, defaultPower } from './power.ts'
export {
  type AfterEnd,
  checkTrace,
  type Interpolation,
  meanRateBps,
  type RateTrace,
  TraceLink,
  type TraceLinkOptions,
} from './rate-trace.ts'
export {
  type CsvOptions,
  type ParseOptions,
  parse5gCsv,
  parseMahimahi,
  parseMsKbps,
  parseSecondsMbps,
} from './trace-formats.ts'
