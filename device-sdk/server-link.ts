import { type LinkEstimate, LinkEstimator } from '@isthmus/policies'
import {
  clockUs32,
  decodeMessage,
  EDGE_ID,
  type ErrorReply,
  encodeMessage,
  type InferReply,
  type InferRequest,
  MAX_MESSAGE_BYTES,
  type Message,
  type MessageFields,
  type ProbeReply,
  topic,
  wireErrorCodeOf,
} from '@isthmus/proto'
import type { Clock } from './clock.ts'
import type { FallbackCode } from './fallback.ts'
import { RequestInbox } from './request-inbox.ts'
import { ServerClock } from './server-clock.ts'
import { ServerView } from './server-view.ts'
import { splitRoundTrip } from './stage-log.ts'
import type { Transport } from './transport.ts'

export interface ServerLinkOptions {
  readonly site: string
  readonly id: string
  readonly boot: number
  readonly bundle: { readonly name: string; readonly version: string; readonly key: number }
  readonly software: string
  /** Requests out at a time, unless the server grants fewer. */
  readonly credits: number
  /** Shortest time between two probes, and the padding of a large one. `intervalMs: 0`: no probes. */
  readonly probe: { readonly intervalMs: number; readonly largeBytes: number }
}

export interface Reply {
  readonly body: InferReply
  /** View into the packet, valid only during the call. */
  readonly payload: Uint8Array
  readonly bytesUp: number
  readonly bytesDown: number
  readonly uplinkMs: number
  readonly downlinkMs: number
}

export interface SentRequest {
  readonly id: number
  readonly bytesUp: number
}

export interface ServerRefusal {
  readonly code: string
  readonly detail: string
}

/** Called at most once, and never after `giveUp`. */
export interface ReplyHandlers {
  onReply(reply: Reply): void
  onFailure(code: FallbackCode, refusal?: ServerRefusal): void
}

export interface LinkCounters {
  lateReplies: number
  /** Replies to nothing that is known: duplicates, or meant for an earlier life of this device. */
  strayReplies: number
  unreadablePackets: number
  /** Packets of ours that the server could not read. */
  rejectedPackets: number
  probes: number
  bytesUp: number
  bytesDown: number
}

interface Request extends ReplyHandlers {
  readonly id: number
  readonly sentMs: number
  readonly sentUs: number
  readonly bytesUp: number
  readonly mode: number
}

/** Unanswered requests in a row after which nothing more is sent than probes. */
const SILENT_AFTER = 3
const PROBE_TIMEOUT_MS = 3000
/** A size class measured within this time needs no probe, in ms. */
const FRESH_MS = 4000

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

  readonly #options: ServerLinkOptions
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #server = new ServerView()
  readonly #serverClock = new ServerClock()
  readonly #estimator = new LinkEstimator()
  readonly #inbox = new RequestInbox<Request>()
  readonly #topics: {
    infer: string
    reply: string
    birth: string
    state: string
    edgeBirth: string
    edgeState: string
  }
  #connected = false
  #closed = false
  #lastId = 0
  #sequence = 0
  #unanswered = 0
  #pausedUntilMs = Number.NEGATIVE_INFINITY
  #refusedModes = new Set<number>()
  #probe: { id: number; sentMs: number; sentUs: number; bytes: number } | undefined
  #lastProbeMs = Number.NEGATIVE_INFINITY
  #probesHere = 0

  constructor(transport: Transport, clock: Clock, options: ServerLinkOptions) {
    this.#transport = transport
    this.#clock = clock
    this.#options = options
    const { site, id } = options
    this.#topics = {
      infer: topic(site, id, 'infer'),
      reply: topic(site, id, 'reply'),
      birth: topic(site, id, 'birth'),
      state: topic(site, id, 'state'),
      edgeBirth: topic(site, EDGE_ID, 'birth'),
      edgeState: topic(site, EDGE_ID, 'state'),
    }
  }

  start(): void {
    this.#transport.start({
      onOnline: () => this.#onOnline(),
      onOffline: () => this.#onOffline(),
      onMessage: (name, packet) => this.#onMessage(name, packet),
    })
  }

  get connected(): boolean {
    return this.#connected
  }

  get outstanding(): number {
    return this.#inbox.size
  }

  get creditsLeft(): number {
    return Math.max(0, this.#credits - this.#inbox.size)
  }

  get estimate(): LinkEstimate | undefined {
    return this.#estimator.estimate(this.#clock.now())
  }

  /** Why nothing can be sent now; undefined when something can. With `mode`, also whether that mode was refused. */
  refusal(mode?: number): FallbackCode | undefined {
    if (!this.#connected) return 'OFFLINE'
    const refusal = this.#server.refusal(this.#options.bundle.key)
    if (refusal) return refusal
    if (this.#clock.now() < this.#pausedUntilMs) return 'SERVER_BUSY'
    if (mode !== undefined && this.#refusedModes.has(mode)) return 'MODE_REFUSED'
    return this.#unanswered >= SILENT_AFTER ? 'SERVER_SILENT' : undefined
  }

  /**
   * Sends one request. Returns its id and size, or why it was not sent; then no handler is called. When credits have run
   * out, the oldest request out fails with OVER_CREDIT.
   */
  send(
    request: Omit<InferRequest, 'kind' | 'bundle' | 'scale' | 'zeroPoint'> &
      Partial<Pick<InferRequest, 'scale' | 'zeroPoint'>>,
    payload: Uint8Array,
    deadlineAtMs: number,
    handlers: ReplyHandlers,
  ): SentRequest | FallbackCode {
    const refusal = this.refusal(request.mode)
    if (refusal) return refusal
    const sent = this.#publish(
      { kind: 'infer', bundle: this.#options.bundle.key, ...request },
      payload,
      deadlineAtMs,
    )
    if (typeof sent === 'string') return sent
    const dropped = this.#inbox.open(sent.id, { ...sent, ...handlers, mode: request.mode }, this.#credits)
    for (const old of dropped) old.onFailure('OVER_CREDIT')
    return sent
  }

  /** Stops waiting for a request whose time is up. */
  giveUp(id: number): void {
    const request = this.#inbox.giveUp(id)
    if (!request) return
    const nowMs = this.#clock.now()
    this.#estimator.addTimeout({ nowMs, bytes: request.bytesUp, elapsedMs: nowMs - request.sentMs, id })
    this.#countSilence()
  }

  /** To be called a few times a second: sends a probe when one is due. */
  tick(): void {
    const nowMs = this.#clock.now()
    const { intervalMs, largeBytes } = this.#options.probe
    if (this.#probe && nowMs - this.#probe.sentMs > PROBE_TIMEOUT_MS) {
      this.#probe = undefined
      this.#countSilence()
    }
    if (intervalMs === 0 || this.#probe || !this.#connected) return
    if (this.#server.refusal(this.#options.bundle.key)) return
    const wanted = this.#unanswered > 0 ? 'small' : this.#estimator.wantedProbe(nowMs, FRESH_MS)
    if (!wanted || (wanted === 'large' && this.#inbox.size > 0)) return
    // Right after connecting the first few follow each other at once: the sooner a link is known, the better.
    const waitMs = this.#probesHere < 4 ? 0 : intervalMs
    if (nowMs - this.#lastProbeMs < waitMs) return
    this.#sendProbe(wanted === 'large' ? largeBytes : 0)
  }

  async close(): Promise<void> {
    if (this.#connected) this.#announce('offline')
    this.#closed = true
    this.#connected = false
    for (const request of this.#inbox.drain()) request.onFailure('OFFLINE')
    await this.#transport.close()
  }

  get #credits(): number {
    const granted = this.#server.birth?.credits || Number.POSITIVE_INFINITY
    return Math.min(this.#options.credits, granted)
  }

  #onOnline(): void {
    if (this.#closed) return
    this.#connected = true
    this.#probesHere = 0
    this.#unanswered = 0
    const { reply, edgeBirth, edgeState } = this.#topics
    this.#transport.subscribe([reply, edgeBirth, edgeState])
    const { bundle, software, credits } = this.#options
    const birth: MessageFields = {
      envelope: this.#envelope(0, 0),
      body: {
        kind: 'birth',
        software,
        bundles: [{ ...bundle }],
        credits,
        maxMessageBytes: MAX_MESSAGE_BYTES,
      },
    }
    this.#transport.publish(this.#topics.birth, encodeMessage(birth), { qos: 1, retain: true })
    this.#announce('online')
    this.onChange()
  }

  #announce(presence: 'online' | 'offline'): void {
    const state: MessageFields = { envelope: this.#envelope(0, 0), body: { kind: 'state', presence } }
    this.#transport.publish(this.#topics.state, encodeMessage(state), { qos: 1, retain: true })
  }

  #onOffline(): void {
    if (!this.#connected) return
    this.#connected = false
    this.#probe = undefined
    this.#server.forget()
    for (const request of this.#inbox.drain()) request.onFailure('CONNECTION_LOST')
    this.onChange()
  }

  #onMessage(name: string, packet: Uint8Array): void {
    const { reply, edgeBirth, edgeState } = this.#topics
    if (name !== reply && name !== edgeBirth && name !== edgeState) return
    let message: Message
    try {
      message = decodeMessage(packet)
    } catch {
      this.counters.unreadablePackets++
      return
    }
    const { envelope, body } = message
    if (name === reply) this.#onReply(message, packet.length)
    else if (name === edgeBirth && body.kind === 'birth') {
      this.#refusedModes.clear()
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

  #onServerRestart(): void {
    this.#serverClock.reset()
    this.#probe = undefined
    this.#unanswered = 0
    this.#pausedUntilMs = Number.NEGATIVE_INFINITY
    for (const request of this.#inbox.drain()) request.onFailure('SERVER_RESTARTED')
  }

  /** A draining server still answers what it has; one that is gone does not. */
  #failIfServerGone(): void {
    if (this.#server.state?.presence !== 'offline') return
    for (const request of this.#inbox.drain()) request.onFailure('SERVER_OFFLINE')
  }

  #onReply({ envelope, body, payload }: Message, bytesDown: number): void {
    this.counters.bytesDown += bytesDown
    if (body.kind === 'probeReply') this.#onProbeReply(envelope.id, body)
    else if (body.kind === 'error' && envelope.id === 0) this.counters.rejectedPackets++
    else if (body.kind === 'reply' || body.kind === 'error')
      this.#onOutcome(envelope.id, body, payload, bytesDown)
    else this.counters.unreadablePackets++
  }

  #onOutcome(id: number, body: InferReply | ErrorReply, payload: Uint8Array, bytesDown: number): void {
    const claim = this.#inbox.claim(id, body.echoUs)
    if (claim.kind === 'unknown') {
      this.counters.strayReplies++
      return
    }
    this.#heard()
    const request = claim.entry
    const networkMs = this.#measure(request.id, request, body)
    if (claim.kind === 'late') {
      this.counters.lateReplies++
      return
    }
    if (body.kind === 'error') this.#onError(request, body)
    else {
      const { bytesUp } = request
      const ways = splitRoundTrip(networkMs, bytesUp, bytesDown, this.estimate)
      request.onReply({ body, payload, bytesUp, bytesDown, ...ways })
    }
    this.onChange()
  }

  #onError(request: Request, { code: number, detail, retryAfterMs }: ErrorReply): void {
    const code = wireErrorCodeOf(number)
    if (retryAfterMs > 0) this.#pausedUntilMs = this.#clock.now() + Math.min(retryAfterMs, 30_000)
    // These say that the server will never take this mode of this bundle: no use asking before its next birth.
    if (code === 'UNKNOWN_BUNDLE' || code === 'UNKNOWN_MODE' || code === 'ROUTE_NOT_OFFERED') {
      this.#refusedModes.add(request.mode)
    }
    request.onFailure('SERVER_ERROR', { code: code ?? `UNKNOWN_${number}`, detail })
  }

  #onProbeReply(id: number, body: ProbeReply): void {
    const probe = this.#probe
    if (probe?.id !== id || probe.sentUs !== body.echoUs) {
      this.counters.strayReplies++
      return
    }
    this.#probe = undefined
    this.#heard()
    this.#measure(id, { sentMs: probe.sentMs, bytesUp: probe.bytes }, body)
    this.tick()
    this.onChange()
  }

  /** Learns from one exchange; returns the round trip without the server's time, in ms. */
  #measure(
    id: number,
    sent: { sentMs: number; bytesUp: number },
    body: { receivedUs: number; serverUs: number; epoch: number },
  ): number {
    const nowMs = this.#clock.now()
    const { sentMs, bytesUp } = sent
    const networkMs = Math.max(0, nowMs - sentMs - body.serverUs / 1000)
    this.#estimator.add({ nowMs, bytes: bytesUp, elapsedMs: networkMs, id })
    const { uplinkMs } = splitRoundTrip(networkMs, bytesUp, 0, this.estimate)
    const { receivedUs, epoch } = body
    this.#serverClock.add({ sentMs, uplinkMs, receivedUs, networkMs, nowMs, epoch })
    return networkMs
  }

  #heard(): void {
    if (this.#unanswered >= SILENT_AFTER) this.#estimator.forgetTimeouts()
    this.#unanswered = 0
  }

  #countSilence(): void {
    this.#unanswered++
    if (this.#unanswered === SILENT_AFTER) this.onChange()
  }

  #sendProbe(paddingBytes: number): void {
    this.#lastProbeMs = this.#clock.now()
    this.#probesHere++
    const sent = this.#publish({ kind: 'probe' }, new Uint8Array(paddingBytes))
    if (typeof sent === 'string') return
    this.counters.probes++
    const { id, sentMs, sentUs, bytesUp: bytes } = sent
    this.#probe = { id, sentMs, sentUs, bytes }
  }

  #publish(
    body: MessageFields['body'],
    payload: Uint8Array,
    deadlineAtMs?: number,
  ): { id: number; sentMs: number; sentUs: number; bytesUp: number } | FallbackCode {
    // 0 belongs to no request.
    const id = (this.#lastId % 0xffffffff) + 1
    const largest = this.#server.birth?.maxMessageBytes || MAX_MESSAGE_BYTES
    if (payload.length > largest - 64) return 'TOO_LARGE'
    const sentMs = this.#clock.now()
    const leftMs = deadlineAtMs === undefined ? 0 : Math.max(0.001, deadlineAtMs - sentMs)
    const envelope = this.#envelope(id, leftMs, sentMs)
    const packet = encodeMessage({ envelope, body }, payload)
    if (packet.length > largest) return 'TOO_LARGE'
    if (!this.#transport.publish(this.#topics.infer, packet)) return 'LINK_BACKED_UP'
    this.#lastId = id
    this.counters.bytesUp += packet.length
    return { id, sentMs, sentUs: clockUs32(sentMs), bytesUp: packet.length }
  }

  #envelope(id: number, budgetMs: number, sentMs = this.#clock.now()): MessageFields['envelope'] {
    this.#sequence = (this.#sequence + 1) >>> 0
    return {
      id,
      boot: this.#options.boot,
      sequence: this.#sequence,
      budgetUs: Math.min(0xffffffff, Math.round(budgetMs * 1000)),
      sentUs: clockUs32(sentMs),
      receiverUs: this.#serverClock.nowUs(sentMs),
    }
  }
}

/** The state that the broker publishes for a device of this boot when its connection breaks. */
export function lastWill(boot: number): Uint8Array {
  return encodeMessage({ envelope: { boot }, body: { kind: 'state', presence: 'offline' } })
}
