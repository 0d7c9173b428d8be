import fc from 'fast-check'
import type { Body, Envelope, Message } from './message.ts'
import { topic, verbs } from './topics.ts'

// Messages as decodeMessage hands them out: every field there, every value that the wire can carry.

const uint32 = fc.oneof(fc.nat(), fc.integer({ min: 0, max: 0xffffffff }), fc.constantFrom(0, 1, 0xffffffff))
const id = fc.integer({ min: 1, max: 0xffffffff })
const numbers = (maxLength: number) => fc.array(uint32, { maxLength })
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const float32 = fc.float({ noNaN: true, noDefaultInfinity: true })
const number = fc.double({ noNaN: true, noDefaultInfinity: true })
const amounts = fc.array(number, { minLength: 4, maxLength: 4 })
const word = fc.string({ unit: 'binary', minLength: 1, maxLength: 64 })
const idWord = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/)
const ownTopic = fc.tuple(idWord, idWord, fc.constantFrom(...verbs)).map((parts) => topic(...parts))

const envelope: fc.Arbitrary<Envelope> = fc.record({
  schema: fc.constant(1),
  id,
  boot: uint32,
  sequence: uint32,
  budgetUs: uint32,
  sentUs: uint32,
  receiverUs: maybe(uint32),
  replyTopic: fc.oneof(fc.constant(''), ownTopic),
  server: maybe(uint32),
})

const stamps = { echoUs: uint32, receivedUs: uint32, serverUs: uint32, epoch: uint32 }
const dims = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 8 }).filter((d) => elements(d) < 4096)
const decoders = fc.uniqueArray(uint32, { maxLength: 8 })
const pixelDims = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 3, maxLength: 3 })

function bytesOf(length: number) {
  return fc.uint8Array({ minLength: length, maxLength: length })
}

const bodies: { [K in Body['kind']]: fc.Arbitrary<Extract<Body, { kind: K }>> } = {
  birth: fc.record({
    kind: fc.constant('birth' as const),
    software: fc.string({ unit: 'binary', maxLength: 64 }),
    bundles: fc.array(fc.record({ name: word, version: word, key: uint32 }), { maxLength: 16 }),
    credits: uint32,
    epoch: uint32,
    maxMessageBytes: uint32,
    pipelines: fc.array(fc.record({ name: word, version: word, key: uint32, stageUs: numbers(32) }), {
      maxLength: 8,
    }),
  }),
  state: fc.record({
    kind: fc.constant('state' as const),
    presence: fc.constantFrom('online' as const, 'draining' as const, 'offline' as const),
    queued: uint32,
    busy: uint32,
    workers: uint32,
    waitUs: uint32,
  }),
  infer: fc.record({
    kind: fc.constant('infer' as const),
    bundle: uint32,
    mode: uint32,
    route: fc.constantFrom('local' as const, 'split' as const, 'edge' as const, 'skip' as const),
    scale: maybe(float32),
    zeroPoint: maybe(uint32),
    patch: uint32,
    patchEpoch: uint32,
    decoders,
  }),
  reply: decoders.chain((decoders) =>
    fc.record({
      kind: fc.constant('reply' as const),
      bundle: uint32,
      dims,
      queueUs: uint32,
      decodeUs: uint32,
      tailUs: uint32,
      patch: uint32,
      patchEpoch: uint32,
      decoders: fc.constant(decoders),
      decoderValues: fc.array(fc.nat(50), { minLength: decoders.length, maxLength: decoders.length }),
      ...stamps,
    }),
  ),
  error: fc.record({
    kind: fc.constant('error' as const),
    code: id,
    detail: fc.string({ unit: 'binary', maxLength: 128 }),
    retryAfterMs: uint32,
    ...stamps,
  }),
  probe: fc.record({ kind: fc.constant('probe' as const) }),
  stages: fc.record({
    kind: fc.constant('stages' as const),
    pipeline: uint32,
    stages: id,
    inputs: numbers(64),
    outputs: numbers(64),
    rows: uint32,
  }),
  stagesReply: fc.record({
    kind: fc.constant('stagesReply' as const),
    pipeline: uint32,
    stageUs: numbers(32),
    queueUs: uint32,
    ...stamps,
  }),
  tell: fc
    .tuple(fc.uniqueArray(uint32, { maxLength: 16 }), fc.nat(16), fc.nat(16))
    .chain(([servers, sent, deciding]) =>
      fc.record({
        kind: fc.constant('tell' as const),
        network: uint32,
        servers: fc.constant(servers),
        sent: bytesOf(servers.length * sent),
        deciding: bytesOf((1 + servers.length) * deciding),
        allowed: uint32,
      }),
    ),
  sample: fc
    .constantFrom('pixels' as const, 'image' as const, 'latent' as const, 'statistics' as const)
    .chain((input) =>
      fc.record({
        kind: fc.constant('sample' as const),
        family: uint32,
        number: id,
        input: fc.constant(input),
        dims: input === 'pixels' ? pixelDims : fc.constant([]),
        patch: uint32,
        patchEpoch: uint32,
        entropy: fc.float({ noNaN: true, noDefaultInfinity: true, min: 0 }),
        bundle: uint32,
        mode: uint32,
        scale: maybe(float32),
        zeroPoint: maybe(uint32),
      }),
    ),
  patch: fc.record({ kind: fc.constant('patch' as const), family: uint32, version: id, epoch: uint32 }),
  patchRequest: fc.record({
    kind: fc.constant('patchRequest' as const),
    family: uint32,
    version: uint32,
    reason: fc.constantFrom('start' as const, 'gap' as const, 'damaged' as const, 'rolledBack' as const),
    refused: uint32,
    epoch: uint32,
    refusedEpoch: uint32,
  }),
  bid: fc.record({
    kind: fc.constant('bid' as const),
    nonce: uint32,
    validMs: uint32,
    demand: amounts,
    price: number,
    priority: number,
    reliability: number,
    availability: number,
    latencyMs: number,
    x: number,
    y: number,
    resourceKind: fc.string({ unit: 'binary', maxLength: 32 }),
  }),
  award: fc.record({
    kind: fc.constant('award' as const),
    bidBoot: uint32,
    nonce: uint32,
    outcome: fc.constantFrom('won' as const, 'lost' as const, 'renewed' as const, 'lapsed' as const),
    reason: fc.string({ unit: 'binary', maxLength: 32 }),
    detail: fc.string({ unit: 'binary', maxLength: 128 }),
    server: idWord,
    term: uint32,
    round: uint32,
    payment: number,
    leaseMs: uint32,
    holdMs: uint32,
    credits: uint32,
    retryAfterMs: uint32,
    echoUs: uint32,
  }),
  renew: fc.record({ kind: fc.constant('renew' as const), nonce: uint32, server: idWord }),
  release: fc.record({ kind: fc.constant('release' as const), nonce: uint32, server: idWord }),
  capacity: fc.record({
    kind: fc.constant('capacity' as const),
    resourceKind: fc.string({ unit: 'binary', maxLength: 32 }),
    capacity: amounts,
    free: amounts,
    unitCost: number,
    reliability: number,
    availability: number,
    energy: number,
    x: number,
    y: number,
    leases: uint32,
  }),
  claim: fc.record({
    kind: fc.constant('claim' as const),
    holder: idWord,
    term: uint32,
    round: uint32,
    roundMs: uint32,
  }),
  marketMemory: fc.record({ kind: fc.constant('marketMemory' as const), rounds: uint32 }),
  grants: fc.record({
    kind: fc.constant('grants' as const),
    server: idWord,
    term: uint32,
    round: uint32,
    part: uint32,
    grants: fc.array(
      fc.record({
        device: idWord,
        boot: uint32,
        bid: uint32,
        nonce: uint32,
        demand: amounts,
        payment: number,
      }),
      { maxLength: 8 },
    ),
  }),
  probeReply: fc.record({ kind: fc.constant('probeReply' as const), probeBytes: uint32, ...stamps }),
}

export const bodyKinds = Object.keys(bodies) as Body['kind'][]

export function messageOf(kind: Body['kind']): fc.Arbitrary<Message> {
  const body: fc.Arbitrary<Body> = bodies[kind]
  return fc
    .tuple(envelope, body)
    .chain(([envelope, body]) => payloadOf(body).map((payload) => ({ envelope, body, payload })))
}

export const message: fc.Arbitrary<Message> = fc.constantFrom(...bodyKinds).chain(messageOf)

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

function payloadOf(body: Body): fc.Arbitrary<Uint8Array> {
  if (withoutPayload.has(body.kind)) return fc.constant(new Uint8Array(0))
  if (body.kind === 'sample' && body.input === 'pixels') return bytesOf(elements(body.dims))
  const isFull = body.kind === 'sample' || body.kind === 'patch' || body.kind === 'marketMemory'
  if (isFull) return fc.uint8Array({ minLength: 1, maxLength: 600 })
  if (body.kind !== 'reply') return fc.uint8Array({ maxLength: 600 })
  return bytesOf(4 * body.decoderValues.reduce((sum, values) => sum + values, elements(body.dims)))
}

function elements(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1)
}
