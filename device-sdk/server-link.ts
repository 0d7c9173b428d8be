import type { LinkEstimate } from '@isthmus/policies'
import {
  type BodyFields,
  clockUs32,
  decodeMessage,
  type ErrorReply,
  encodeMessage,
  type InferReply,
  MAX_MESSAGE_BYTES,
  type Message,
  type MessageFields,
  type PipelineOffer,
  type ProbeReply,
  type StagesReply,
  type State,
  serverKey,
  topic,
  wireErrorCodeOf,
} from '@isthmus/proto'
import { birthOf, type DeviceIdentity } from './announcements.ts'
import type { Clock } from './clock.ts'
import { EnvelopeWriter } from './envelope-writer.ts'
import type { LinkCounters, Question, ReplyHandlers, Ticket } from './exchange.ts'
import type { FallbackCode } from './fallback.ts'
import { LinkMeter } from './link-meter.ts'
import { LinkProber, type ProbeOptions } from './link-prober.ts'
import { linkTopics } from './link-topics.ts'
import type { Bidder, HeldLease } from './market/bidder.ts'
import { OpenRequests, type Request, type SentRequest } from './open-requests.ts'
import { ServerClock } from './server-clock.ts'
import { ServerRefusals } from './server-refusals.ts'
import { ServerView } from './server-view.ts'
import { splitRoundTrip } from './stage-log.ts'
import type { Transport } from './transport.ts'

export interface ServerLinkOptions extends DeviceIdentity {
  readonly site: string
  readonly id: string
  readonly boot: number
  readonly probe: ProbeOptions
  /** Gets leases of servers; without it the device has none. */
  readonly market?: Bidder | undefined
}

const noBytes = new Uint8Array(0)

/** What a message holds beyond its payload, at the least that matters. */
const ENVELOPE_BYTES = 64

/** Unanswered requests in a row after which nothing more is sent than probes. */
const SILENT_AFTER = 3

/**
 * The way to the server: announces the device, follows the server's birth and state, sends requests, matches
 * replies, keeps the link measured with small probes. Does no I/O itself; `transport` and `clock` are handed in.
 */
export class ServerLink {
  readonly counters: LinkCounters = {
    lateReplies: 0,
    strayReplies: 0,
    unreadablePackets: 0,
    rejectedPackets: 0,
    probes: 0,
    bytesUp: 0,
    bytesDown: 0,
  }
  /** Called whenever `refusal()` or the estimate may have changed. */
  onChange: () => void = () => {}
  /** Given the patches that come. */
  onPatch: (message: Message) => void = () => {}

  readonly #options: ServerLinkOptions
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #server = new ServerView()
  readonly #refusals = new ServerRefusals()
  readonly #serverClock = new ServerClock()
  readonly #meter = new LinkMeter(this.#serverClock)
  readonly #envelopes: EnvelopeWriter
  readonly #prober: LinkProber
  readonly #requests: OpenRequests
  readonly #topics: ReturnType<typeof linkTopics>
  #connected = false
  #closed = false
  #lastId = 0
  #unanswered = 0
  /** The server that was asked last; undefined: the site's. */
  #asked: string | undefined
  #patchTopics: readonly string[] = []

  constructor(transport: Transport, clock: Clock, options: ServerLinkOptions) {
    this.#transport = transport
    this.#clock = clock
    this.#options = options
    this.#envelopes = new EnvelopeWriter(options.boot, this.#serverClock)
    this.#prober = new LinkProber(options.probe)
    this.#requests = new OpenRequests({
      clock,
      credits: () => this.#credits,
      refusalOf: (question) => this.refusal('mode' in question ? question.mode : undefined),
      transmit: (question) => this.#transmit(question),
      onGivenUp: (request, nowMs) => {
        this.#meter.givenUp(request, nowMs)
        this.#countSilence()
      },
    })
    this.#topics = linkTopics(options.site, options.id)
  }

  start(): void {
    this.#transport.start({
      onOnline: () => this.#onOnline(),
      onOffline: () => this.#onOffline(),
      onMessage: (name, packet) => this.#onMessage(name, packet),
    })
  }

  /** The share of a server that the device holds now: what it sends goes to that server. */
  get lease(): HeldLease | undefined {
    return this.#options.market?.lease
  }

  get connected(): boolean {
    return this.#connected
  }

  get outstanding(): number {
    return this.#requests.size
  }

  get creditsLeft(): number {
    return this.#requests.creditsLeft
  }

  get estimate(): LinkEstimate | undefined {
    return this.#meter.estimate(this.#clock.now())
  }

  /** How often the link's rate has left its level. */
  get drifts(): number {
    return this.#meter.estimator.drifts
  }

  /** What the server says of the pipeline that this device has. */
  get pipelineOffer(): PipelineOffer | undefined {
    const { key } = this.#options.offer
    return this.#server.birth?.pipelines.find((offer) => offer.key === key)
  }

  /** What the server says of its load. */
  get serverState(): State | undefined {
    return this.#server.state
  }

  /** Whether the server has said that it learns nothing from samples of this device. */
  get samplesUnwanted(): boolean {
    return this.#refusals.samples
  }

  /** Largest message that the server takes, in bytes. */
  get largestBytes(): number {
    return this.#server.birth?.maxMessageBytes || MAX_MESSAGE_BYTES
  }

  /** Why nothing can be sent now; undefined when something can. With `mode`, also whether that mode was refused. */
  refusal(mode?: number): FallbackCode | undefined {
    if (!this.#connected) return 'OFFLINE'
    const refusal = this.#server.refusal(this.#options.offer)
    if (refusal) return refusal
    const refused = this.#refusals.of(this.#clock.now(), mode)
    if (refused) return refused
    return this.#unanswered >= SILENT_AFTER ? 'SERVER_SILENT' : undefined
  }

  /**
   * Sends a question, or lets it wait for a credit. Returns why not when nothing can be sent; then no handler is called.
   * As many questions may wait as there are credits; one more, and the oldest of them fails with OVER_CREDIT: a newer
   * frame is worth more.
   */
  ask(question: Question, handlers: ReplyHandlers): Ticket | FallbackCode {
    return this.#requests.ask(question, handlers)
  }

  /** Patches come at these topics and at the device's own. To be called before `start`. */
  listen(patchTopics: readonly string[]): void {
    const { site, id } = this.#options
    this.#patchTopics = [...patchTopics, topic(site, id, 'patch')]
  }

  /**
   * Hands over a sample, or a request for a patch: neither awaits a reply. False when it cannot go now, and for samples that the server
   * said it does not want.
   */
  tell(body: BodyFields, payload: Uint8Array = noBytes): boolean {
    if (!this.#connected || (body.kind === 'sample' && this.#refusals.samples)) return false
    let packet: Uint8Array
    try {
      packet = encodeMessage({ envelope: this.#envelopes.next(0, 0, this.#clock.now()), body }, payload)
    } catch {
      return false
    }
    if (packet.length > this.largestBytes) return false
    if (!this.#transport.publish(this.#topics.sample, packet, { qos: 1 })) return false
    this.counters.bytesUp += packet.length
    return true
  }

  /** To be called a few times a second: sends what has got a credit, and a probe when one is due. */
  tick(): void {
    this.#options.market?.tick()
    this.#followLease()
    const nowMs = this.#clock.now()
    this.#requests.sendWaiting()
    if (this.#prober.timedOut(nowMs)) this.#countSilence()
    if (!this.#connected || this.#server.refusal(this.#options.offer)) return
    const padding = this.#prober.due(
      nowMs,
      this.#meter.estimator,
      this.#unanswered > 0,
      this.outstanding === 0,
    )
    if (padding === undefined) return
    const sent = this.#publish({ kind: 'probe' }, new Uint8Array(padding))
    if (typeof sent === 'string') return
    this.counters.probes++
    this.#prober.sent(sent)
  }

  async close(): Promise<void> {
    this.#options.market?.close()
    if (this.#connected) this.#announce('offline')
    this.#closed = true
    this.#connected = false
    this.#requests.failAll('OFFLINE')
    await this.#transport.close()
  }

  get #credits(): number {
    const bought = this.lease?.credits ?? 0
    const granted = Math.max(bought, this.#server.birth?.credits || Number.POSITIVE_INFINITY)
    return Math.min(this.#options.credits, granted)
  }

  #onOnline(): void {
    if (this.#closed) return
    this.#connected = true
    this.#prober.restart()
    this.#meter.reconnected()
    this.#unanswered = 0
    const { reply, edgeBirth, edgeState } = this.#topics
    const { market } = this.#options
    this.#transport.subscribe([reply, edgeBirth, edgeState, ...this.#patchTopics, ...(market?.filters ?? [])])
    const birth = encodeMessage({
      envelope: this.#envelopes.next(0, 0, this.#clock.now()),
      body: birthOf(this.#options),
    })
    this.#transport.publish(this.#topics.birth, birth, { qos: 1, retain: true })
    this.#announce('online')
    market?.onOnline()
    this.onChange()
  }

  #announce(presence: 'online' | 'offline'): void {
    const state: MessageFields = {
      envelope: this.#envelopes.next(0, 0, this.#clock.now()),
      body: { kind: 'state', presence },
    }
    this.#transport.publish(this.#topics.state, encodeMessage(state), { qos: 1, retain: true })
  }

  #onOffline(): void {
    if (!this.#connected) return
    this.#connected = false
    this.#options.market?.onOffline()
    this.#server.forget()
    this.#requests.failAll('CONNECTION_LOST')
    this.onChange()
  }

  #onMessage(name: string, packet: Uint8Array): void {
    if (this.#options.market?.onMessage(name, packet)) return
    const { reply, edgeBirth, edgeState } = this.#topics
    const isPatch = this.#patchTopics.includes(name)
    if (name !== reply && name !== edgeBirth && name !== edgeState && !isPatch) return
    let message: Message
    try {
      message = decodeMessage(packet)
    } catch {
      this.counters.unreadablePackets++
      return
    }
    const { envelope, body } = message
    if (isPatch) {
      this.counters.bytesDown += packet.length
      this.onPatch(message)
    } else if (name === reply) this.#onReply(message, packet.length)
    else if (name === edgeBirth && body.kind === 'birth') {
      this.#refusals.forget()
      if (this.#server.onBirth(envelope, body)) this.#onServerRestart()
      this.tick()
      this.onChange()
    } else if (name === edgeState && body.kind === 'state') {
      this.#server.onState(envelope, body)
      this.#failIfServerGone()
      this.tick()
      this.onChange()
    } else this.counters.unreadablePackets++
  }

  /** What one server will never take, another may: it has not said so. */
  #followLease(): void {
    const server = this.lease?.server
    if (server === this.#asked) return
    this.#asked = server
    this.#refusals.forget()
  }

  #onServerRestart(): void {
    this.#serverClock.reset()
    this.#prober.restart()
    this.#unanswered = 0
    this.#refusals.onRestart()
    this.#requests.failAll('SERVER_RESTARTED')
  }

  /** A draining server still answers what it has; one that is gone does not. */
  #failIfServerGone(): void {
    if (this.#server.state?.presence === 'offline') this.#requests.failAll('SERVER_OFFLINE')
  }

  #onReply({ envelope, body, payload }: Message, bytesDown: number): void {
    this.counters.bytesDown += bytesDown
    if (body.kind === 'probeReply') this.#onProbeReply(envelope.id, body)
    else if (body.kind === 'error' && envelope.id === 0) {
      this.counters.rejectedPackets++
      if (wireErrorCodeOf(body.code) === 'UNKNOWN_FAMILY') this.#refusals.refuseSamples()
    } else if (body.kind === 'reply' || body.kind === 'stagesReply' || body.kind === 'error')
      this.#onOutcome(envelope.id, body, payload, bytesDown)
    else this.counters.unreadablePackets++
  }

  #onOutcome(
    id: number,
    body: InferReply | StagesReply | ErrorReply,
    payload: Uint8Array,
    bytesDown: number,
  ): void {
    const claim = this.#requests.claim(id, body.echoUs)
    if (claim.kind === 'unknown') {
      this.counters.strayReplies++
      return
    }
    this.#heard()
    const request = claim.entry
    const networkMs = this.#meter.answered(request, body, this.#clock.now())
    this.#requests.sendWaiting()
    if (claim.kind === 'late') {
      this.counters.lateReplies++
      return
    }
    if (body.kind === 'error') this.#onError(request, body)
    else {
      const { bytesUp } = request
      const ways = splitRoundTrip(networkMs, bytesUp, bytesDown, this.estimate)
      request.handlers.onReply({ body, payload, bytesUp, bytesDown, ...ways })
    }
    this.onChange()
  }

  #onError(request: Request, { code: number, detail, retryAfterMs }: ErrorReply): void {
    const code = wireErrorCodeOf(number)
    this.#refusals.pause(retryAfterMs, this.#clock.now())
    this.#refusals.onError(code, 'mode' in request.question ? request.question.mode : undefined)
    const why = code === 'PATCH_MISMATCH' ? code : 'SERVER_ERROR'
    request.handlers.onFailure(why, { code: code ?? `UNKNOWN_${number}`, detail })
  }

  #onProbeReply(id: number, body: ProbeReply): void {
    const probe = this.#prober.claim(id, body.echoUs)
    if (!probe) {
      this.counters.strayReplies++
      return
    }
    this.#heard()
    this.#meter.answered(probe, body, this.#clock.now())
    this.tick()
    this.onChange()
  }

  #heard(): void {
    if (this.#unanswered >= SILENT_AFTER) this.#meter.forgetSilence()
    this.#unanswered = 0
  }

  #countSilence(): void {
    this.#unanswered++
    if (this.#unanswered === SILENT_AFTER) this.onChange()
  }

  #transmit({ payload, deadlineAtMs, ...asked }: Question): SentRequest | FallbackCode {
    const { key } = this.#options.offer
    const body: MessageFields['body'] =
      'stages' in asked
        ? { kind: 'stages', pipeline: key, ...asked }
        : { kind: 'infer', bundle: key, ...asked }
    return this.#publish(body, payload, deadlineAtMs)
  }

  #publish(
    body: MessageFields['body'],
    payload: Uint8Array | readonly Uint8Array[],
    deadlineAtMs?: number,
  ): SentRequest | FallbackCode {
    // 0 belongs to no request.
    const id = (this.#lastId % 0xffffffff) + 1
    const largest = this.largestBytes
    const parts = payload instanceof Uint8Array ? [payload] : payload
    const payloadBytes = parts.reduce((sum, { length }) => sum + length, 0)
    if (payloadBytes + ENVELOPE_BYTES > largest) return 'TOO_LARGE'
    const sentMs = this.#clock.now()
    const leftMs = deadlineAtMs === undefined ? 0 : Math.max(0.001, deadlineAtMs - sentMs)
    const { lease } = this
    const head = this.#envelopes.next(id, leftMs, sentMs)
    const envelope = lease ? { ...head, server: serverKey(lease.server) } : head
    let packet: Uint8Array
    try {
      packet = encodeMessage({ envelope, body }, payload)
    } catch {
      return 'UNSENDABLE'
    }
    if (packet.length > largest) return 'TOO_LARGE'
    if (!this.#transport.publish(this.#topics.infer, packet)) return 'LINK_BACKED_UP'
    this.#lastId = id
    this.counters.bytesUp += packet.length
    const sent = { id, sentMs, sentUs: clockUs32(sentMs), bytesUp: packet.length }
    this.#meter.sent(sent)
    return sent
  }
}
