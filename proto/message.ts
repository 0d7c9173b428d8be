/** Version of the schema that this package reads and writes (`Envelope.schema`). */
export const SCHEMA_VERSION = 1
/** Largest message on the wire, in bytes. */
export const MAX_MESSAGE_BYTES = 131072
/** Largest envelope and body together, in bytes: what is not payload is small. */
export const MAX_HEADER_BYTES = 16384
export const MAX_BUNDLES = 64
export const MAX_PIPELINES = 64
/** Stages of a pipeline: as many as `StagesRequest.stages` has bits. */
export const MAX_STAGES = 32
/** Tensors that one request brings or wants. */
export const MAX_TENSORS = 64
export const MAX_DIMS = 8
/** Decoders of further tasks that one request names. */
export const MAX_DECODERS = 8
/** Servers that a `Tell` speaks of. */
export const MAX_TOLD_SERVERS = 16
/** Values that a `Tell` holds of one place. */
export const MAX_TOLD_VALUES = 16
/** Largest whole message with a `Tell`, in bytes. */
export const MAX_TELL_BYTES = 1024
/** Largest whole bid, renewal or release, in bytes. */
export const MAX_BID_BYTES = 512
/** Amounts of a demand or a capacity: cpu, memory, accelerator, bandwidth. */
export const AMOUNTS = 4
/** Grants in one message. */
export const MAX_GRANTS = 100
export const MAX_NAME_CHARS = 128
export const MAX_DETAIL_CHARS = 256
export const MAX_TOPIC_CHARS = 256

/** See messages.proto for the meaning and unit of each field. Every number but `scale` is an unsigned 32-bit integer. */
export interface Envelope {
  schema: number
  /** From 1 for requests; 0 where a message belongs to no request. */
  id: number
  boot: number
  sequence: number
  /** 0: no deadline. */
  budgetUs: number
  sentUs: number
  receiverUs: number | undefined
  /** Empty: the sender's own reply topic. */
  replyTopic: string
  /** `serverKey` of the server that is to answer; undefined: whichever answers those that name none. */
  server: number | undefined
}

export type Route = 'local' | 'split' | 'edge' | 'skip'
export type Outcome = 'won' | 'lost' | 'renewed' | 'lapsed'
export type Presence = 'online' | 'draining' | 'offline'

export interface BundleOffer {
  name: string
  version: string
  /** First four bytes of the SHA-256 of the manifest, little-endian. */
  key: number
}

export interface PipelineOffer {
  name: string
  version: string
  /** First four bytes of the SHA-256 of pipeline.json, little-endian. */
  key: number
  /** Servers: what each stage takes, in microseconds; 0: not served. */
  stageUs: readonly number[]
}

export interface Birth {
  kind: 'birth'
  software: string
  bundles: BundleOffer[]
  credits: number
  epoch: number
  maxMessageBytes: number
  pipelines: readonly PipelineOffer[]
}

export interface State {
  kind: 'state'
  presence: Presence
  queued: number
  busy: number
  workers: number
  waitUs: number
}

export interface InferRequest {
  kind: 'infer'
  bundle: number
  mode: number
  route: Route
  scale: number | undefined
  zeroPoint: number | undefined
  /** Version of the patch that the head ran with; 0: as packed. */
  patch: number
  /** The epoch of that version. */
  patchEpoch: number
  /** Decoders of further tasks that are to read the latent, too; each once. */
  decoders: number[]
}

/** The message's payload is the result, `dims` numbers, and behind it `decoderValues` numbers of each decoder; float32 little-endian. */
export interface InferReply {
  kind: 'reply'
  bundle: number
  dims: number[]
  echoUs: number
  receivedUs: number
  serverUs: number
  queueUs: number
  decodeUs: number
  tailUs: number
  epoch: number
  /** Version of the patch that the tail ran with; 0: as packed. */
  patch: number
  /** The epoch of that version. */
  patchEpoch: number
  /** Of the decoders that were asked for those that have answered. */
  decoders: number[]
  /** Numbers that each gives. */
  decoderValues: number[]
}

export interface ErrorReply {
  kind: 'error'
  /** A `number` of wireErrors, or one of a newer version. */
  code: number
  detail: string
  retryAfterMs: number
  echoUs: number
  receivedUs: number
  serverUs: number
  epoch: number
}

export interface Probe {
  kind: 'probe'
}

export interface ProbeReply {
  kind: 'probeReply'
  echoUs: number
  receivedUs: number
  serverUs: number
  epoch: number
  probeBytes: number
}

/** The message's payload is the tensors of `inputs`, one after another. */
export interface StagesRequest {
  kind: 'stages'
  pipeline: number
  /** Bit n: stage n is to be run. Never 0. */
  stages: number
  inputs: readonly number[]
  outputs: readonly number[]
  /** Of a single stage whose rows may be divided: how many rows each tensor has. 0: all. */
  rows: number
}

/** The message's payload is the tensors that the request wanted. */
export interface StagesReply {
  kind: 'stagesReply'
  pipeline: number
  /** By the request's stages. */
  stageUs: readonly number[]
  echoUs: number
  receivedUs: number
  serverUs: number
  queueUs: number
  epoch: number
}

/** Values are int8, as bytes: [places, values]. */
export interface Tell {
  kind: 'tell'
  network: number
  /** Each once. */
  servers: readonly number[]
  /** [servers, values], or empty. */
  sent: Uint8Array
  /** [1 + servers, values], or empty. */
  deciding: Uint8Array
  /** Bit n: place n. */
  allowed: number
}

/** Amounts are cpu, memory, accelerator, bandwidth; numbers that are not integers are doubles, and finite. */
export interface Bid {
  kind: 'bid'
  nonce: number
  validMs: number
  demand: readonly number[]
  price: number
  priority: number
  reliability: number
  availability: number
  latencyMs: number
  x: number
  y: number
  /** Empty: any. */
  resourceKind: string
}

export interface Award {
  kind: 'award'
  bidBoot: number
  nonce: number
  outcome: Outcome
  reason: string
  detail: string
  server: string
  term: number
  round: number
  payment: number
  leaseMs: number
  holdMs: number
  credits: number
  retryAfterMs: number
  echoUs: number
}

export interface Renew {
  kind: 'renew'
  nonce: number
  server: string
}

export interface Release {
  kind: 'release'
  nonce: number
  server: string
}

export interface Capacity {
  kind: 'capacity'
  resourceKind: string
  capacity: readonly number[]
  free: readonly number[]
  unitCost: number
  reliability: number
  availability: number
  energy: number
  x: number
  y: number
  leases: number
}

export interface Claim {
  kind: 'claim'
  holder: string
  term: number
  round: number
  roundMs: number
}

export interface Grant {
  device: string
  boot: number
  bid: number
  nonce: number
  demand: readonly number[]
  payment: number
}

export interface Grants {
  kind: 'grants'
  server: string
  term: number
  round: number
  part: number
  grants: readonly Grant[]
}

/** The payload is what the auctioneer has to know of earlier rounds, as JSON. */
export interface MarketMemory {
  kind: 'marketMemory'
  /** Rounds that have gone into it, over all terms. */
  rounds: number
}

/** What the payload of a `Sample` is: uint8 pixels [height, width, channels], a coded image, a coded latent, coded statistics. */
export type SampleInput = 'pixels' | 'image' | 'latent' | 'statistics'

/** The message's payload is the input. */
export interface Sample {
  kind: 'sample'
  family: number
  /** Counts the samples of this sender and boot, from 1. */
  number: number
  input: SampleInput
  /** Pixels: [height, width, channels]; else empty. */
  dims: readonly number[]
  /** Version of the patch that the network ran with; 0: as packed. */
  patch: number
  /** The epoch of that version. */
  patchEpoch: number
  /** In nats. */
  entropy: number
  /** Latents: the head's bundle and mode. */
  bundle: number
  mode: number
  scale: number | undefined
  zeroPoint: number | undefined
}

/** The message's payload is the patch, to be verified before it is believed. */
export interface Patch {
  kind: 'patch'
  family: number
  /** From 1. */
  version: number
  epoch: number
}

/** Why a device asks for a patch; see messages.proto. */
export type PatchReason = 'start' | 'gap' | 'damaged' | 'rolledBack'

export interface PatchRequest {
  kind: 'patchRequest'
  family: number
  /** 0: as packed. */
  version: number
  reason: PatchReason
  /** 0: none. */
  refused: number
  /** The epochs of both versions. */
  epoch: number
  refusedEpoch: number
}

export type Body =
  | Birth
  | State
  | InferRequest
  | InferReply
  | ErrorReply
  | Probe
  | ProbeReply
  | StagesRequest
  | StagesReply
  | Tell
  | Sample
  | Patch
  | PatchRequest
  | Bid
  | Award
  | Renew
  | Release
  | Capacity
  | Claim
  | Grants
  | MarketMemory

/** A message as it was read: every field is there. `payload` is a view into the packet, not a copy. */
export interface Message {
  envelope: Envelope
  body: Body
  payload: Uint8Array
}

type Draft<B, Needed extends keyof B> = Pick<B, Needed | ('kind' & keyof B)> & Partial<B>

/** A body to be written; fields left out are 0, empty or absent. */
export type BodyFields =
  | (Omit<Draft<Birth, 'software'>, 'pipelines'> & {
      pipelines?: readonly Draft<PipelineOffer, 'name' | 'version' | 'key'>[]
    })
  | Draft<State, 'presence'>
  | Draft<InferRequest, 'bundle' | 'mode' | 'route'>
  | Draft<InferReply, 'bundle' | 'dims'>
  | Draft<ErrorReply, 'code' | 'detail'>
  | Probe
  | Draft<ProbeReply, 'probeBytes'>
  | Draft<StagesRequest, 'pipeline' | 'stages' | 'inputs' | 'outputs'>
  | Draft<StagesReply, 'pipeline' | 'stageUs'>
  | Draft<Tell, 'network' | 'servers'>
  | Draft<Sample, 'family' | 'number' | 'input' | 'entropy'>
  | Draft<Patch, 'family' | 'version'>
  | Draft<PatchRequest, 'family' | 'reason'>
  | Draft<Bid, 'nonce' | 'validMs' | 'demand' | 'price'>
  | Draft<Award, 'bidBoot' | 'nonce' | 'outcome' | 'server'>
  | Renew
  | Release
  | Draft<Capacity, 'capacity' | 'free'>
  | Claim
  | Grants
  | MarketMemory

/** A message to be written. `envelope.schema` is 1 unless given. */
export interface MessageFields {
  envelope: Partial<Envelope>
  body: BodyFields
}
