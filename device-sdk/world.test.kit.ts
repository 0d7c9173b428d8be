import type { Manifest } from '@isthmus/models/bundle'
import type { Session } from '@isthmus/models/runtime'
import { type DevicePower, measuredCostController, type Policy, raspberryPiPower } from '@isthmus/policies'
import {
  type BodyFields,
  clockUs32,
  decodeMessage,
  encodeMessage,
  type Message,
  topic,
  wireErrors,
} from '@isthmus/proto'
import type { z } from 'zod'
import { type AdaptedDevice, uploaderFor } from './adaptation/adapt-device.ts'
import { Adaptation } from './adaptation/adaptation.ts'
import { adaptationOptions } from './adaptation/options.ts'
import type { Clock } from './clock.ts'
import { Device } from './device.ts'
import { EarlyExit } from './early-exit.ts'
import { inputShape } from './frame.ts'
import { FrameFilter } from './frame-filter.ts'
import { ModelRunner } from './model-runner.ts'
import { ServerLink } from './server-link.ts'
import { SharpImages } from './sharp-images.ts'
import type { Transport, TransportHandlers } from './transport.ts'

/** Time that passes only when it is told to. */
export class VirtualClock implements Clock {
  #nowMs = 1000
  #timers: { at: number; order: number; callback: () => void }[] = []
  #order = 0

  now(): number {
    return this.#nowMs
  }

  setTimeout(callback: () => void, ms: number): unknown {
    const timer = { at: this.#nowMs + Math.max(0, ms), order: this.#order++, callback }
    this.#timers.push(timer)
    return timer
  }

  clearTimeout(timer: unknown): void {
    this.#timers = this.#timers.filter((other) => other !== timer)
  }

  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms
    await settled()
    for (let next = this.#next(untilMs); next; next = this.#next(untilMs)) {
      this.clearTimeout(next)
      this.#nowMs = Math.max(this.#nowMs, next.at)
      next.callback()
      await settled()
    }
    this.#nowMs = untilMs
  }

  /** Lets time pass until the promise has settled; fails after `limitMs` of virtual time. */
  async until<T>(promise: Promise<T>, limitMs = 60_000): Promise<T> {
    let done = false
    promise.then(
      () => (done = true),
      () => (done = true),
    )
    await settled()
    const startMs = this.#nowMs
    while (!done) {
      const next = this.#next(startMs + limitMs)
      if (!next) throw new Error(`nothing happened within ${limitMs} virtual ms`)
      await this.advance(Math.max(0, next.at - this.#nowMs))
    }
    return promise
  }

  #next(untilMs: number) {
    const due = this.#timers.filter(({ at }) => at <= untilMs)
    return due.sort((a, b) => a.at - b.at || a.order - b.order)[0]
  }
}

/** All promise callbacks that can run have run. */
const settled = async () => {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve))
}

export const LABELS = ['cat', 'dog', 'ship', 'frog']
export const BUNDLE_KEY = 0xabcd1234
export const modes = { local: 1, split: 2, edge: 3 } as const

export const manifest: Manifest = {
  format: 1,
  name: 'tiny',
  version: '1.0.0',
  task: 'classification',
  labels: LABELS,
  input: { name: 'x', dims: [3, 4, 4], layout: 'NCHW', mean: [0, 0, 0], std: [1, 1, 1], fit: 'fill' },
  output: { name: 'y', dims: [4], kind: 'logits' },
  latent: { name: 'z', dims: [8] },
  models: {
    local: { file: 'local.onnx', sha256: '0'.repeat(64), bytes: 1, macs: 1000, params: 10 },
    head: { file: 'head.onnx', sha256: '0'.repeat(64), bytes: 1, macs: 500, params: 10 },
  },
  modes: [
    {
      id: modes.local,
      name: 'local',
      route: 'local',
      accuracy: 0.8,
      payloadBytes: 0,
      headMacs: 1000,
      tailMacs: 0,
    },
    {
      id: modes.split,
      name: 'split',
      route: 'split',
      accuracy: 0.9,
      payloadBytes: 8,
      headMacs: 500,
      tailMacs: 1000,
      quantizer: { kind: 'affine-dynamic', bits: 8 },
    },
    {
      id: modes.edge,
      name: 'edge',
      route: 'edge',
      accuracy: 0.89,
      payloadBytes: 48,
      headMacs: 0,
      tailMacs: 2000,
      image: { codec: 'raw' },
    },
  ],
}

/** Which label wins tells who answered. */
export const LOCAL_LABEL = 'cat'
export const SERVER_LABEL = 'ship'

export interface WorldOptions {
  localMs?: number | (() => number)
  localOutput?: number[]
  headMs?: number
  tailMs?: number
  rttMs?: number
  rateBps?: number
  deadlineMs?: number
  credits?: number
  serverCredits?: number
  hasLocal?: boolean
  offers?: number
  boot?: number
  policy?: Policy
  power?: DevicePower
  hedgeMarginMs?: number
  probeIntervalMs?: number
  /** How long filter and exit take, 1 ms if not said. */
  gateMs?: number
  /** What the filter gives each frame; its threshold is 0.5. */
  interest?: number
  filterReads?: 'input' | 'latent'
  /** The exit's logits; it divides them by 2, and is sure from a probability of 0.9 on. */
  exitOutput?: number[]
  exitBacksUp?: boolean
  exitHeads?: readonly ('head' | 'narrowHead')[]
  /** Set: the device takes part in adaptation. */
  adaptation?: z.input<typeof adaptationOptions>
}

type Gates = 'adaptation' | 'gateMs' | 'interest' | 'filterReads' | 'exitOutput' | 'exitBacksUp' | 'exitHeads'

/** A device, a shaped link and a server, all in virtual time. */
export class World implements Transport {
  readonly clock = new VirtualClock()
  readonly device: Device
  readonly link: ServerLink
  readonly options: Required<Omit<WorldOptions, Gates>> & Pick<WorldOptions, Gates>
  /** Requests as the server saw them. */
  readonly requests: Message[] = []
  probes = 0
  /** Samples and requests for patches, and when they were sent. */
  readonly samples: { readonly message: Message; readonly atMs: number; readonly bytes: number }[] = []
  /** Requests that the server has answered. */
  answered = 0
  /** Runs that were started. */
  localRuns = 0
  headRuns = 0
  epoch = 77
  serverBoot = 5
  /** By how much more the server's clock is ahead than at the start, in ms. */
  serverAheadMs = 0
  /** Loses what the device sends. */
  loseRequests = false
  loseReplies = false
  /** Replaces the server's normal answer; return nothing to stay silent. */
  answer: (request: Message) => BodyFields | undefined = (request) => this.reply(request)
  result = Float32Array.of(0, 0, 5, 0)
  #handlers: TransportHandlers | undefined
  #online = false
  #uplinkFreeAtMs = 0
  #serverFreeAtMs = 0
  #retained = new Map<string, Uint8Array>()

  constructor(options: WorldOptions = {}) {
    this.options = {
      localMs: 10,
      localOutput: [5, 0, 0, 0],
      headMs: 2,
      tailMs: 5,
      rttMs: 20,
      rateBps: 1e6,
      deadlineMs: 100,
      credits: 4,
      serverCredits: 0,
      hasLocal: true,
      offers: BUNDLE_KEY,
      boot: 9,
      policy: measuredCostController({ probeEvery: 0 }),
      power: raspberryPiPower,
      hedgeMarginMs: 5,
      probeIntervalMs: 1000,
      ...options,
    }
    const { deadlineMs, credits, hasLocal, boot, policy, hedgeMarginMs, probeIntervalMs, headMs } =
      this.options
    const offer = { kind: 'bundle', name: 'tiny', version: '1.0.0', key: BUNDLE_KEY } as const
    const probe = { intervalMs: probeIntervalMs, largeBytes: 1024 }
    const identity = { site: 'test', id: 'cam-1', boot, software: 'test' }
    this.link = new ServerLink(this, this.clock, { ...identity, offer, credits, probe })
    const local = () => {
      this.localRuns++
      const { localMs } = this.options
      return typeof localMs === 'number' ? localMs : localMs()
    }
    const head = () => {
      this.headRuns++
      return headMs
    }
    const runners = {
      local: hasLocal ? this.#runner('local', 'y', this.options.localOutput, local) : undefined,
      head: this.#runner('head', 'z', [0, 1, 2, 3, 4, 5, 6, 7], head),
    }
    this.device = new Device({
      id: 'cam-1',
      manifest,
      bundleKey: BUNDLE_KEY,
      ...runners,
      images: new SharpImages(),
      filter: this.#filter(),
      exit: this.#exit(),
      adaptation: this.#adaptation(runners),
      link: this.link,
      policy,
      clock: this.clock,
      deadlineMs,
      hedgeMarginMs,
      preference: {},
      power: this.options.power,
      concurrency: credits,
    })
  }

  /** A started device; with `server`, also a broker, a server and a measured link. */
  static async create(options: WorldOptions = {}, server = true): Promise<World> {
    const world = new World(options)
    await world.clock.until(world.device.start())
    world.localRuns = 0
    world.headRuns = 0
    if (server) {
      world.connect()
      world.announce()
      await world.clock.advance(200)
    }
    return world
  }

  frame(fill = 7): { data: Uint8Array; width: number; height: number } {
    return { data: new Uint8Array(48).fill(fill), width: 4, height: 4 }
  }

  // The broker.

  start(handlers: TransportHandlers): void {
    this.#handlers = handlers
  }

  connect(): void {
    this.#online = true
    this.#handlers!.onOnline()
  }

  disconnect(): void {
    this.#online = false
    this.#handlers!.onOffline()
  }

  subscribe(filters: readonly string[]): void {
    for (const filter of filters) {
      const packet = this.#retained.get(filter)
      if (packet) this.#deliver(filter, packet)
    }
  }

  publish(name: string, packet: Uint8Array): boolean {
    if (!this.#online) return false
    const isSample = name.endsWith('/sample')
    if (!name.endsWith('/infer') && !isSample) return true
    const { rateBps, rttMs } = this.options
    const nowMs = this.clock.now()
    if (isSample) this.samples.push({ message: decodeMessage(packet), atMs: nowMs, bytes: packet.length })
    this.#uplinkFreeAtMs = Math.max(this.#uplinkFreeAtMs, nowMs) + (8000 * packet.length) / rateBps
    if (isSample) return true
    const lost = this.loseRequests
    const arriveMs = this.#uplinkFreeAtMs + rttMs / 2 - nowMs
    if (!lost) this.clock.setTimeout(() => this.#atServer(packet), arriveMs)
    return true
  }

  async close(): Promise<void> {
    this.#online = false
  }

  // The server.

  announce(presence: 'online' | 'draining' | 'offline' = 'online', boot = this.serverBoot): void {
    const { offers, serverCredits } = this.options
    const envelope = { boot }
    const bundles = [{ name: 'tiny', version: '1.0.0', key: offers }]
    const birth: BodyFields = {
      kind: 'birth',
      software: 'test',
      bundles,
      credits: serverCredits,
      epoch: this.epoch,
    }
    if (presence === 'online') this.#retain('birth', encodeMessage({ envelope, body: birth }))
    this.#retain('state', encodeMessage({ envelope, body: { kind: 'state', presence } }))
  }

  reply(request: Message): BodyFields {
    const { tailMs } = this.options
    const times = { serverUs: tailMs * 1000, tailUs: tailMs * 900, decodeUs: tailMs * 50 }
    return { kind: 'reply', bundle: BUNDLE_KEY, dims: [1, 4], ...this.#echo(request), ...times }
  }

  error(request: Message, code: keyof typeof wireErrors, retryAfterMs = 0): BodyFields {
    const echo = this.#echo(request)
    return { kind: 'error', code: wireErrors[code].number, detail: 'because', retryAfterMs, ...echo }
  }

  /** Sends something to the device's reply topic after half a round trip. */
  sendReply(id: number, body: BodyFields, payload = new Uint8Array(0), afterMs = 0): void {
    const packet = encodeMessage({ envelope: { id, boot: this.serverBoot }, body }, payload)
    const reply = topic('test', 'cam-1', 'reply')
    this.clock.setTimeout(() => this.#deliver(reply, packet), afterMs + this.options.rttMs / 2)
  }

  sendBytes(packet: Uint8Array): void {
    this.#deliver(topic('test', 'cam-1', 'reply'), packet)
  }

  /** The server's clock runs apart from the device's. */
  serverUs(): number {
    return clockUs32(this.clock.now() + 123_456 + this.serverAheadMs)
  }

  #echo({ envelope }: Message) {
    return { echoUs: envelope.sentUs, receivedUs: this.serverUs(), epoch: this.epoch }
  }

  #atServer(packet: Uint8Array): void {
    const message = decodeMessage(packet)
    const { id } = message.envelope
    if (message.body.kind === 'probe') {
      this.probes++
      const body: BodyFields = { kind: 'probeReply', probeBytes: packet.length, ...this.#echo(message) }
      if (!this.loseReplies) this.sendReply(id, body)
      return
    }
    this.requests.push(message)
    const body = this.answer(message)
    if (!body || this.loseReplies) return
    const nowMs = this.clock.now()
    if (body.kind !== 'reply') {
      this.sendReply(id, body)
      return
    }
    this.#serverFreeAtMs = Math.max(this.#serverFreeAtMs, nowMs) + this.options.tailMs
    const spentMs = this.#serverFreeAtMs - nowMs
    const payload = new Uint8Array(this.result.slice().buffer)
    this.clock.setTimeout(() => this.answered++, spentMs)
    this.sendReply(id, { ...body, serverUs: Math.round(spentMs * 1000) }, payload, spentMs)
  }

  #retain(verb: 'birth' | 'state', packet: Uint8Array): void {
    const name = topic('test', 'edge', verb)
    this.#retained.set(name, packet)
    this.#deliver(name, packet)
  }

  #deliver(name: string, packet: Uint8Array): void {
    if (this.#online) this.#handlers!.onMessage(name, packet)
  }

  #adaptation(runners: AdaptedDevice['runners']): Adaptation | undefined {
    if (!this.options.adaptation) return undefined
    const options = adaptationOptions.parse(this.options.adaptation)
    const images = new SharpImages()
    const bundle = { manifest, key: BUNDLE_KEY }
    const shape = inputShape(manifest)
    const device = { site: 'test', bundle, runners, link: this.link, images, shape, clock: this.clock }
    return new Adaptation({
      privacy: options.privacy,
      outputKind: 'logits',
      uploader: uploaderFor(options, device),
      models: [],
      isOnline: () => true,
    })
  }

  readonly #gateMs = () => this.options.gateMs ?? 1

  #filter(): FrameFilter | undefined {
    const { interest, filterReads = 'input' } = this.options
    if (interest === undefined) return undefined
    const dims = filterReads === 'input' ? [1, 3, 4, 4] : [1, 8]
    return new FrameFilter(
      this.#runner('filter', 'interest', [interest], this.#gateMs, dims),
      filterReads,
      0.5,
    )
  }

  #exit(): EarlyExit | undefined {
    const { exitOutput, exitBacksUp = false, exitHeads = ['head'] } = this.options
    if (exitOutput === undefined) return undefined
    const output = { count: 4, kind: 'logits' } as const
    const rules = {
      gate: 'confidence',
      temperature: 2,
      threshold: 0.9,
      heads: exitHeads,
      output,
      backsUp: exitBacksUp,
    } as const
    return new EarlyExit(this.#runner('exit', 'y', exitOutput, this.#gateMs, [1, 8]), rules)
  }

  #runner(
    what: string,
    output: string,
    result: number[],
    tookMs: () => number,
    dims: readonly number[] = [1, 3, 4, 4],
  ): ModelRunner {
    let freeAtMs = 0
    const session: Session = {
      inputs: [{ name: 'x', dtype: 'float32', dims }],
      outputs: [{ name: output, dtype: 'float32', dims: [1, result.length] }],
      run: () => {
        freeAtMs = Math.max(freeAtMs, this.clock.now()) + tookMs()
        const data = Float32Array.from(result)
        return new Promise((resolve) => {
          const done = () => resolve({ [output]: { dtype: 'float32', dims: [1, result.length], data } })
          this.clock.setTimeout(done, freeAtMs - this.clock.now())
        })
      },
      dispose: async () => {},
    }
    return new ModelRunner(async () => session, what, dims, output)
  }
}
