import { isthmus } from '#messages'
import {
  AMOUNTS,
  type Award,
  type Bid,
  type Birth,
  type Body,
  type BundleOffer,
  type Capacity,
  type Claim,
  type Envelope,
  type ErrorReply,
  type Grant,
  type Grants,
  type InferReply,
  type InferRequest,
  MAX_BUNDLES,
  MAX_DETAIL_CHARS,
  MAX_DIMS,
  MAX_GRANTS,
  MAX_NAME_CHARS,
  MAX_PIPELINES,
  MAX_STAGES,
  MAX_TENSORS,
  MAX_TOLD_SERVERS,
  MAX_TOLD_VALUES,
  MAX_TOPIC_CHARS,
  type MarketMemory,
  type Outcome,
  type Patch,
  type PatchReason,
  type PatchRequest,
  type PipelineOffer,
  type Presence,
  type ProbeReply,
  type Release,
  type Renew,
  type Route,
  type Sample,
  type SampleInput,
  SCHEMA_VERSION,
  type StagesReply,
  type StagesRequest,
  type State,
  type Tell,
} from './message.ts'
import { wireError } from './wire-errors.ts'

// Fields of a message, filled with their defaults and checked. Reading and writing share these functions, so that
// whatever one side may write the other side will read.

/** What both protobufjs objects and our own drafts are: fields that may be missing. */
type Loose<T> = { readonly [K in keyof T]?: T[K] | null | undefined }

type WireRoute = isthmus.v1.Route
type WirePresence = isthmus.v1.Presence
type WireInput = isthmus.v1.SampleInput
type WireReason = isthmus.v1.PatchReason
type WireOutcome = isthmus.v1.Outcome

const routeNumbers: Record<Route, WireRoute> = {
  local: isthmus.v1.Route.ROUTE_LOCAL,
  split: isthmus.v1.Route.ROUTE_SPLIT,
  edge: isthmus.v1.Route.ROUTE_EDGE,
  skip: isthmus.v1.Route.ROUTE_SKIP,
}
const presenceNumbers: Record<Presence, WirePresence> = {
  online: isthmus.v1.Presence.PRESENCE_ONLINE,
  draining: isthmus.v1.Presence.PRESENCE_DRAINING,
  offline: isthmus.v1.Presence.PRESENCE_OFFLINE,
}
const outcomeNumbers: Record<Outcome, WireOutcome> = {
  won: isthmus.v1.Outcome.OUTCOME_WON,
  lost: isthmus.v1.Outcome.OUTCOME_LOST,
  renewed: isthmus.v1.Outcome.OUTCOME_RENEWED,
  lapsed: isthmus.v1.Outcome.OUTCOME_LAPSED,
}
const outcomes = namesByNumber(outcomeNumbers)
const inputNumbers: Record<SampleInput, WireInput> = {
  pixels: isthmus.v1.SampleInput.SAMPLE_INPUT_PIXELS,
  image: isthmus.v1.SampleInput.SAMPLE_INPUT_IMAGE,
  latent: isthmus.v1.SampleInput.SAMPLE_INPUT_LATENT,
  statistics: isthmus.v1.SampleInput.SAMPLE_INPUT_STATISTICS,
}
const reasonNumbers: Record<PatchReason, WireReason> = {
  start: isthmus.v1.PatchReason.PATCH_REASON_START,
  gap: isthmus.v1.PatchReason.PATCH_REASON_GAP,
  damaged: isthmus.v1.PatchReason.PATCH_REASON_DAMAGED,
  rolledBack: isthmus.v1.PatchReason.PATCH_REASON_ROLLED_BACK,
}
const routes = namesByNumber(routeNumbers)
const presences = namesByNumber(presenceNumbers)
const inputs = namesByNumber(inputNumbers)
const reasons = namesByNumber(reasonNumbers)

export function routeOf(number: number): Route | undefined {
  return routes[number]
}

export function presenceOf(number: number): Presence | undefined {
  return presences[number]
}

export function outcomeOf(number: number): Outcome | undefined {
  return outcomes[number]
}

export function numberOfOutcome(outcome: Outcome): WireOutcome {
  return outcomeNumbers[outcome]
}

export function numberOfRoute(route: Route): WireRoute {
  return routeNumbers[route]
}

export function numberOfPresence(presence: Presence): WirePresence {
  return presenceNumbers[presence]
}

export function inputOf(number: number): SampleInput | undefined {
  return inputs[number]
}

export function reasonOf(number: number): PatchReason | undefined {
  return reasons[number]
}

export function numberOfInput(input: SampleInput): WireInput {
  return inputNumbers[input]
}

export function numberOfReason(reason: PatchReason): WireReason {
  return reasonNumbers[reason]
}

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
  }
}

export function replyFrom(fields: Loose<InferReply>): InferReply {
  const dims = fields.dims ?? []
  if (dims.length > MAX_DIMS) throw bad(`The result has ${dims.length} dims, at most ${MAX_DIMS} fit`)
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

export function sampleFrom(fields: Loose<Omit<Sample, 'input'>>, input: SampleInput | undefined): Sample {
  if (input === undefined || !Object.hasOwn(inputNumbers, input)) {
    throw bad('Its input is none of pixels, image, latent, statistics')
  }
  const number = uint32(fields.number, 'number')
  if (number === 0) throw bad('The sample has no number; numbers start at 1')
  const entropy = float32(fields.entropy ?? 0, 'entropy')
  if (entropy < 0) throw bad(`entropy is ${entropy}, less than 0`)
  const dims = list(fields.dims, 'dims', 3)
  if (dims.length !== (input === 'pixels' ? 3 : 0)) {
    throw bad(`A sample of ${input} has ${dims.length} dims`)
  }
  return {
    kind: 'sample',
    family: uint32(fields.family, 'family'),
    number,
    input,
    dims,
    patch: uint32(fields.patch, 'patch'),
    patchEpoch: uint32(fields.patchEpoch, 'patch_epoch'),
    entropy,
    bundle: uint32(fields.bundle, 'bundle'),
    mode: uint32(fields.mode, 'mode'),
    scale: fields.scale == null ? undefined : float32(fields.scale, 'scale'),
    zeroPoint: fields.zeroPoint == null ? undefined : uint32(fields.zeroPoint, 'zero_point'),
  }
}

export function patchFrom(fields: Loose<Patch>): Patch {
  const version = uint32(fields.version, 'version')
  if (version === 0) throw bad('The patch has no version; versions start at 1')
  return {
    kind: 'patch',
    family: uint32(fields.family, 'family'),
    version,
    epoch: uint32(fields.epoch, 'epoch'),
  }
}

export function patchRequestFrom(
  fields: Loose<Omit<PatchRequest, 'reason'>>,
  reason: PatchReason | undefined,
): PatchRequest {
  if (reason === undefined || !Object.hasOwn(reasonNumbers, reason)) {
    throw bad('Its reason is none of start, gap, damaged, rolledBack')
  }
  return {
    kind: 'patchRequest',
    family: uint32(fields.family, 'family'),
    version: uint32(fields.version, 'version'),
    reason,
    refused: uint32(fields.refused, 'refused'),
    epoch: uint32(fields.epoch, 'epoch'),
    refusedEpoch: uint32(fields.refusedEpoch, 'refused_epoch'),
  }
}

const noBytes = new Uint8Array(0)

export function bidFrom(fields: Loose<Bid>): Bid {
  return {
    kind: 'bid',
    nonce: uint32(fields.nonce, 'nonce'),
    validMs: uint32(fields.validMs, 'valid_ms'),
    demand: amounts(fields.demand, 'demand'),
    price: finite(fields.price, 'price'),
    priority: finite(fields.priority, 'priority'),
    reliability: finite(fields.reliability, 'reliability'),
    availability: finite(fields.availability, 'availability'),
    latencyMs: finite(fields.latencyMs, 'latency_ms'),
    x: finite(fields.x, 'x'),
    y: finite(fields.y, 'y'),
    resourceKind: text(fields.resourceKind, 'resource_kind', 0, MAX_NAME_CHARS),
  }
}

export function awardFrom(fields: Loose<Omit<Award, 'outcome'>>, outcome: Outcome | undefined): Award {
  if (outcome === undefined || !Object.hasOwn(outcomeNumbers, outcome)) {
    throw bad('Its outcome is none of won, lost, renewed, lapsed')
  }
  return {
    kind: 'award',
    bidBoot: uint32(fields.bidBoot, 'bid_boot'),
    nonce: uint32(fields.nonce, 'nonce'),
    outcome,
    reason: text(fields.reason, 'reason', 0, MAX_NAME_CHARS),
    detail: text(fields.detail, 'detail', 0, MAX_DETAIL_CHARS),
    server: text(fields.server, 'server', 0, MAX_NAME_CHARS),
    term: uint32(fields.term, 'term'),
    round: uint32(fields.round, 'round'),
    payment: finite(fields.payment, 'payment'),
    leaseMs: uint32(fields.leaseMs, 'lease_ms'),
    holdMs: uint32(fields.holdMs, 'hold_ms'),
    credits: uint32(fields.credits, 'credits'),
    retryAfterMs: uint32(fields.retryAfterMs, 'retry_after_ms'),
    echoUs: uint32(fields.echoUs, 'echo_us'),
  }
}

export function renewFrom(fields: Loose<Renew>): Renew {
  return { kind: 'renew', ...leaseFrom(fields) }
}

export function releaseFrom(fields: Loose<Release>): Release {
  return { kind: 'release', ...leaseFrom(fields) }
}

const leaseFrom = (fields: Loose<Omit<Renew, 'kind'>>) => ({
  nonce: uint32(fields.nonce, 'nonce'),
  server: text(fields.server, 'server', 1, MAX_NAME_CHARS),
})

export function capacityFrom(fields: Loose<Capacity>): Capacity {
  return {
    kind: 'capacity',
    resourceKind: text(fields.resourceKind, 'resource_kind', 0, MAX_NAME_CHARS),
    capacity: amounts(fields.capacity, 'capacity'),
    free: amounts(fields.free, 'free'),
    unitCost: finite(fields.unitCost, 'unit_cost'),
    reliability: finite(fields.reliability, 'reliability'),
    availability: finite(fields.availability, 'availability'),
    energy: finite(fields.energy, 'energy'),
    x: finite(fields.x, 'x'),
    y: finite(fields.y, 'y'),
    leases: uint32(fields.leases, 'leases'),
  }
}

export function claimFrom(fields: Loose<Claim>): Claim {
  return {
    kind: 'claim',
    holder: text(fields.holder, 'holder', 1, MAX_NAME_CHARS),
    term: uint32(fields.term, 'term'),
    round: uint32(fields.round, 'round'),
    roundMs: uint32(fields.roundMs, 'round_ms'),
  }
}

type LooseGrants = Loose<Omit<Grants, 'grants'>> & { readonly grants?: readonly Loose<Grant>[] | null }

export function grantsFrom(fields: LooseGrants): Grants {
  const grants = fields.grants ?? []
  if (grants.length > MAX_GRANTS) throw bad(`It grants ${grants.length} bids, at most ${MAX_GRANTS} fit`)
  return {
    kind: 'grants',
    server: text(fields.server, 'server', 1, MAX_NAME_CHARS),
    term: uint32(fields.term, 'term'),
    round: uint32(fields.round, 'round'),
    part: uint32(fields.part, 'part'),
    grants: grants.map((grant) => ({
      device: text(grant.device, 'device', 1, MAX_NAME_CHARS),
      boot: uint32(grant.boot, 'boot'),
      bid: uint32(grant.bid, 'bid'),
      nonce: uint32(grant.nonce, 'nonce'),
      demand: amounts(grant.demand, 'demand'),
      payment: finite(grant.payment, 'payment'),
    })),
  }
}

export function marketMemoryFrom(fields: Loose<MarketMemory>): MarketMemory {
  return { kind: 'marketMemory', rounds: uint32(fields.rounds, 'rounds') }
}

/** What must hold between the parts of one message. */
export function checkParts(envelope: Envelope, body: Body, payloadBytes: number): void {
  if (envelope.schema !== SCHEMA_VERSION) throw unsupportedSchema(envelope.schema)
  if (envelope.id === 0 && !withoutId.has(body.kind)) {
    throw bad(`The ${body.kind} has no id; ids start at 1`)
  }
  if (withoutPayload.has(body.kind) && payloadBytes > 0)
    throw bad(`A message of kind ${body.kind} has no payload`)
  if (body.kind === 'sample' && body.input === 'pixels') {
    const count = body.dims.reduce((product, dim) => product * dim, 1)
    if (count !== payloadBytes) {
      throw wireError('BAD_SHAPE', `Pixels of [${body.dims}] do not fit the ${payloadBytes} payload bytes`)
    }
  }
  if (mustHavePayload.has(body.kind) && payloadBytes === 0) {
    throw bad(`The ${body.kind} is empty`)
  }
  if (body.kind === 'reply') {
    const count = body.dims.reduce((product, dim) => product * dim, 1)
    if (count * 4 !== payloadBytes) {
      throw wireError(
        'BAD_SHAPE',
        `The result's dims [${body.dims}] do not fit its ${payloadBytes} payload bytes`,
      )
    }
  }
}

const mustHavePayload: ReadonlySet<Body['kind']> = new Set(['sample', 'patch', 'marketMemory'] as const)
const withoutId: ReadonlySet<Body['kind']> = new Set([
  'birth',
  'state',
  'error',
  'tell',
  'sample',
  'patch',
  'patchRequest',
  'capacity',
  'claim',
  'grants',
  'marketMemory',
] as const)
const withoutPayload: ReadonlySet<Body['kind']> = new Set([
  'tell',
  'patchRequest',
  'bid',
  'award',
  'renew',
  'release',
  'capacity',
  'claim',
  'grants',
] as const)

export function unsupportedSchema(schema: number) {
  return wireError(
    'UNSUPPORTED_SCHEMA',
    `The message has schema ${schema}, this side speaks ${SCHEMA_VERSION}`,
  )
}

function bad(detail: string) {
  return wireError('BAD_MESSAGE', detail)
}

function uint32(value: number | null | undefined, name: string): number {
  const number = value ?? 0
  if (number !== number >>> 0) throw bad(`${name} is ${number}, not an integer from 0 to 4294967295`)
  return number >>> 0
}

function list(values: readonly number[] | null | undefined, name: string, most: number): number[] {
  const numbers = values ?? []
  if (numbers.length > most) throw bad(`${name} has ${numbers.length} entries, at most ${most} fit`)
  return numbers.map((value) => uint32(value, name))
}

function finite(value: number | null | undefined, name: string): number {
  const number = value ?? 0
  if (!Number.isFinite(number)) throw wireError('NOT_FINITE', `${name} is ${number}`)
  return number
}

function amounts(values: readonly number[] | null | undefined, name: string): number[] {
  const numbers = values ?? []
  if (numbers.length !== AMOUNTS) throw bad(`${name} has ${numbers.length} amounts, not ${AMOUNTS}`)
  return numbers.map((value) => finite(value, name))
}

function float32(value: number, name: string): number {
  const number = Math.fround(value)
  if (!Number.isFinite(number)) throw wireError('NOT_FINITE', `${name} is ${number}`)
  return number
}

function text(value: string | null | undefined, name: string, min: number, max: number): string {
  const string = value ?? ''
  if (string.length < min || string.length > max) {
    throw bad(`${name} has ${string.length} characters, not ${min} to ${max}`)
  }
  // Half a surrogate pair has no UTF-8 form: the other side could not read it.
  if (/\p{Surrogate}/u.test(string)) throw bad(`${name} is not well-formed Unicode`)
  return string
}

function topicName(value: string | null | undefined): string {
  const name = text(value, 'reply_topic', 0, MAX_TOPIC_CHARS)
  if (/[+#\p{Cc}]/u.test(name)) throw bad('reply_topic holds a wildcard or a control character')
  return name
}

function namesByNumber<Name extends string>(numbers: Record<Name, number>): Record<number, Name | undefined> {
  return Object.fromEntries(Object.entries<number>(numbers).map(([name, number]) => [number, name as Name]))
}
