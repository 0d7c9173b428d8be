export { crc32 } from './checksum.ts'
export { clockUs32, elapsedUs32 } from './clock.ts'
export { decodeMessage } from './decode-message.ts'
export { encodeMessage } from './encode-message.ts'
export { IsthmusError } from './errors.ts'
export type {
  Award,
  Bid,
  Birth,
  Body,
  BodyFields,
  BundleOffer,
  Capacity,
  Claim,
  Envelope,
  ErrorReply,
  Grant,
  Grants,
  InferReply,
  InferRequest,
  MarketMemory,
  Message,
  MessageFields,
  Outcome,
  Patch,
  PatchReason,
  PatchRequest,
  PipelineOffer,
  Presence,
  Probe,
  ProbeReply,
  Release,
  Renew,
  Route,
  Sample,
  SampleInput,
  StagesReply,
  StagesRequest,
  State,
  Tell,
} from './message.ts'
export {
  AMOUNTS,
  MAX_BID_BYTES,
  MAX_DECODERS,
  MAX_GRANTS,
  MAX_MESSAGE_BYTES,
  MAX_PIPELINES,
  MAX_TELL_BYTES,
  MAX_TENSORS,
  MAX_TOLD_SERVERS,
  MAX_TOLD_VALUES,
  SCHEMA_VERSION,
} from './message.ts'
export { serverKey } from './server-key.ts'
export {
  deviceMayPublish,
  deviceMaySubscribe,
  EDGE_ID,
  familyKey,
  isDeviceId,
  isServerId,
  parseTopic,
  patchTopic,
  tellsOf,
  topic,
  type Verb,
} from './topics.ts'
export { isWireErrorCode, type WireErrorCode, wireError, wireErrorCodeOf, wireErrors } from './wire-errors.ts'
