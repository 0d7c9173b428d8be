import {
  type Birth,
  type BundleOffer,
  type Envelope,
  type ErrorReply,
  type InferReply,
  type InferRequest,
  MAX_BUNDLES,
  MAX_DECODERS,
  MAX_DETAIL_CHARS,
  MAX_DIMS,
  MAX_NAME_CHARS,
  MAX_PIPELINES,
  MAX_STAGES,
  MAX_TENSORS,
  MAX_TOLD_SERVERS,
  MAX_TOLD_VALUES,
  type PipelineOffer,
  type Presence,
  type ProbeReply,
  type Route,
  type StagesReply,
  type StagesRequest,
  type State,
  type Tell,
} from '../message.ts'
import { presenceNumbers, routeNumbers } from './names.ts'
import { bad, float32, type Loose, list, text, topicName, uint32 } from './values.ts'

// Fields of messages about requests and servers, filled with their defaults and checked.

export function envelopeFrom(
  fields: Loose<Omit<Envelope, 'schema'>>,
  schema: number | null | undefined,
): Envelope {
  return {
    schema: uint32(schema, 'schema'),
    id: uint32(fields.id, 'id'),
    boot: uint32(fields.boot, 'boot'),
    sequence: uint32(fields.sequence, 'sequence'),
    budgetUs: uint32(fields.budgetUs, 'budget_us'),
    sentUs: uint32(fields.sentUs, 'sent_us'),
    receiverUs: fields.receiverUs == null ? undefined : uint32(fields.receiverUs, 'receiver_us'),
    replyTopic: topicName(fields.replyTopic),
    server: fields.server == null ? undefined : uint32(fields.server, 'server'),
  }
}

type LooseBirth = Loose<Omit<Birth, 'bundles' | 'pipelines'>> & {
  readonly bundles?: readonly Loose<BundleOffer>[] | null
  readonly pipelines?: readonly Loose<PipelineOffer>[] | null
}

export function birthFrom(fields: LooseBirth): Birth {
  const bundles = fields.bundles ?? []
  const pipelines = fields.pipelines ?? []
  if (bundles.length > MAX_BUNDLES)
    throw bad(`It offers ${bundles.length} bundles, at most ${MAX_BUNDLES} fit`)
  if (pipelines.length > MAX_PIPELINES)
    throw bad(`It offers ${pipelines.length} pipelines, at most ${MAX_PIPELINES} fit`)
  return {
    kind: 'birth',
    software: text(fields.software, 'software', 0, MAX_NAME_CHARS),
    bundles: bundles.map(offerFrom),
    credits: uint32(fields.credits, 'credits'),
    epoch: uint32(fields.epoch, 'epoch'),
    maxMessageBytes: uint32(fields.maxMessageBytes, 'max_message_bytes'),
    pipelines: pipelines.map(pipelineOfferFrom),
  }
}

function offerFrom(fields: Loose<BundleOffer>): BundleOffer {
  return {
    name: text(fields.name, 'bundle name', 1, MAX_NAME_CHARS),
    version: text(fields.version, 'bundle version', 1, MAX_NAME_CHARS),
    key: uint32(fields.key, 'bundle key'),
  }
}

function pipelineOfferFrom(fields: Loose<PipelineOffer>): PipelineOffer {
  return {
    name: text(fields.name, 'pipeline name', 1, MAX_NAME_CHARS),
    version: text(fields.version, 'pipeline version', 1, MAX_NAME_CHARS),
    key: uint32(fields.key, 'pipeline key'),
    stageUs: list(fields.stageUs, 'stage_us', MAX_STAGES),
  }
}

export function stateFrom(fields: Loose<Omit<State, 'presence'>>, presence: Presence | undefined): State {
  if (presence === undefined || !Object.hasOwn(presenceNumbers, presence)) {
    throw bad('Its presence is none of online, draining, offline')
  }
  return {
    kind: 'state',
    presence,
    queued: uint32(fields.queued, 'queued'),
    busy: uint32(fields.busy, 'busy'),
    workers: uint32(fields.workers, 'workers'),
    waitUs: uint32(fields.waitUs, 'wait_us'),
  }
}

export function inferFrom(
  fields: Loose<Omit<InferRequest, 'route'>>,
  route: Route | undefined,
): InferRequest {
  if (route === undefined || !Object.hasOwn(routeNumbers, route)) {
    throw bad('Its route is none of local, split, edge, skip')
  }
  return {
    kind: 'infer',
    bundle: uint32(fields.bundle, 'bundle'),
    mode: uint32(fields.mode, 'mode'),
    route,
    scale: fields.scale == null ? undefined : float32(fields.scale, 'scale'),
    zeroPoint: fields.zeroPoint == null ? undefined : uint32(fields.zeroPoint, 'zero_point'),
    patch: uint32(fields.patch, 'patch'),
    patchEpoch: uint32(fields.patchEpoch, 'patch_epoch'),
    decoders: decodersFrom(fields.decoders),
  }
}

function decodersFrom(ids: readonly number[] | null | undefined): number[] {
  const decoders = list(ids, 'decoders', MAX_DECODERS)
  if (decoders.length > 1 && new Set(decoders).size < decoders.length) throw bad('A decoder is named twice')
  return decoders
}

export function replyFrom(fields: Loose<InferReply>): InferReply {
  const dims = fields.dims ?? []
  if (dims.length > MAX_DIMS) throw bad(`The result has ${dims.length} dims, at most ${MAX_DIMS} fit`)
  const decoders = decodersFrom(fields.decoders)
  const decoderValues = list(fields.decoderValues, 'decoder_values', MAX_DECODERS)
  if (decoders.length !== decoderValues.length)
    throw bad(`It says of ${decoderValues.length} decoders how much they give, and names ${decoders.length}`)
  return {
    kind: 'reply',
    bundle: uint32(fields.bundle, 'bundle'),
    dims: dims.map((dim) => uint32(dim, 'dims')),
    echoUs: uint32(fields.echoUs, 'echo_us'),
    receivedUs: uint32(fields.receivedUs, 'received_us'),
    serverUs: uint32(fields.serverUs, 'server_us'),
    queueUs: uint32(fields.queueUs, 'queue_us'),
    decodeUs: uint32(fields.decodeUs, 'decode_us'),
    tailUs: uint32(fields.tailUs, 'tail_us'),
    epoch: uint32(fields.epoch, 'epoch'),
    patch: uint32(fields.patch, 'patch'),
    patchEpoch: uint32(fields.patchEpoch, 'patch_epoch'),
    decoders,
    decoderValues,
  }
}

export function errorFrom(fields: Loose<ErrorReply>): ErrorReply {
  const code = uint32(fields.code, 'code')
  if (code === 0) throw bad('The error has no code')
  return {
    kind: 'error',
    code,
    detail: text(fields.detail, 'detail', 0, MAX_DETAIL_CHARS),
    retryAfterMs: uint32(fields.retryAfterMs, 'retry_after_ms'),
    echoUs: uint32(fields.echoUs, 'echo_us'),
    receivedUs: uint32(fields.receivedUs, 'received_us'),
    serverUs: uint32(fields.serverUs, 'server_us'),
    epoch: uint32(fields.epoch, 'epoch'),
  }
}

export function probeReplyFrom(fields: Loose<ProbeReply>): ProbeReply {
  return {
    kind: 'probeReply',
    echoUs: uint32(fields.echoUs, 'echo_us'),
    receivedUs: uint32(fields.receivedUs, 'received_us'),
    serverUs: uint32(fields.serverUs, 'server_us'),
    epoch: uint32(fields.epoch, 'epoch'),
    probeBytes: uint32(fields.probeBytes, 'probe_bytes'),
  }
}

export function stagesFrom(fields: Loose<StagesRequest>): StagesRequest {
  const stages = uint32(fields.stages, 'stages')
  if (stages === 0) throw bad('The request names no stage')
  return {
    kind: 'stages',
    pipeline: uint32(fields.pipeline, 'pipeline'),
    stages,
    inputs: list(fields.inputs, 'inputs', MAX_TENSORS),
    outputs: list(fields.outputs, 'outputs', MAX_TENSORS),
    rows: uint32(fields.rows, 'rows'),
  }
}

export function stagesReplyFrom(fields: Loose<StagesReply>): StagesReply {
  return {
    kind: 'stagesReply',
    pipeline: uint32(fields.pipeline, 'pipeline'),
    stageUs: list(fields.stageUs, 'stage_us', MAX_STAGES),
    echoUs: uint32(fields.echoUs, 'echo_us'),
    receivedUs: uint32(fields.receivedUs, 'received_us'),
    serverUs: uint32(fields.serverUs, 'server_us'),
    queueUs: uint32(fields.queueUs, 'queue_us'),
    epoch: uint32(fields.epoch, 'epoch'),
  }
}

export function tellFrom(fields: Loose<Tell>): Tell {
  const servers = list(fields.servers, 'servers', MAX_TOLD_SERVERS)
  if (new Set(servers).size < servers.length) throw bad('The tell names a server twice')
  return {
    kind: 'tell',
    network: uint32(fields.network, 'network'),
    servers,
    sent: toldValues(fields.sent, 'sent', servers.length),
    deciding: toldValues(fields.deciding, 'deciding', 1 + servers.length),
    allowed: uint32(fields.allowed, 'allowed'),
  }
}

function toldValues(values: Uint8Array | null | undefined, name: string, places: number): Uint8Array {
  const bytes = values ?? noBytes
  if (bytes.length === 0) return noBytes
  const each = bytes.length / places
  if (!(Number.isInteger(each) && each <= MAX_TOLD_VALUES)) {
    throw bad(`${name} has ${bytes.length} bytes for ${places} places, at most ${MAX_TOLD_VALUES} fit each`)
  }
  // A plain view: Buffer's slice() and subclass rules stay out of what callers get.
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}

const noBytes = new Uint8Array(0)
