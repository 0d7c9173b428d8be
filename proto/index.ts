export { crc32 } from './checksum.ts'
export { clockUs32, elapsedUs32 } from './clock.ts'
export { decodeMessage } from './decode-message.ts'
export { encodeMessage } from './encode-message.ts'
export { IsthmusError } from './errors.ts'
export type {
  Birth,
  Body,
  BodyFields,
  BundleOffer,
  Envelope,
  ErrorReply,
  InferReply,
  InferRequest,
  Message,
  MessageFields,
  PipelineOffer,
  Presence,
  Probe,
  ProbeReply,
  Route,
  StagesReply,
  StagesRequest,
  State,
} from './message.ts'
export { MAX_MESSAGE_BYTES, MAX_PIPELINES, MAX_TENSORS, SCHEMA_VERSION } from './message.ts'
export {
  deviceMayPublish,
  deviceMaySubscribe,
  EDGE_ID,
  isDeviceId,
  parseTopic,
  topic,
  type Verb,
} from './topics.ts'
export { isWireErrorCode, type WireErrorCode, wireError, wireErrorCodeOf, wireErrors } from './wire-errors.ts'
