export {
  type AfterEnd,
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
