import { TokenBucket } from '@isthmus/policies'
import { saysNothing, type Told } from '@isthmus/policies/com-ddpg/served'
import {
  clockUs32,
  decodeMessage,
  EDGE_ID,
  type Envelope,
  encodeMessage,
  MAX_TELL_BYTES,
  type Message,
  parseTopic,
  serverKey,
  tellsOf,
  topic,
} from '@isthmus/proto'
import type { Clock } from '../clock.ts'
import type { Transport } from '../transport.ts'

/** Who is told what comes in. */
export interface TellsListener {
  /** Another device of the site told something. Must not throw. */
  hear(from: string, told: Told, nowMs: number): void
  /** A server published its load. */
  published(server: number, nowMs: number): void
}

export interface TellsOptions {
  readonly site: string
  readonly id: string
  readonly boot: number
  readonly clock: Clock
  /** Messages that this device publishes in a second at most; others' are taken for as frequent. */
  readonly perSecond: number
  readonly listener: TellsListener
}

/** Counted since the device was made. */
export interface TellCounters {
  told: number
  /** Not sent because there had been too many, or because a later one was there first. */
  held: number
  /** Not taken by the connection. */
  unsent: number
  heard: number
  /** Of a device, or of all together, far more often than agreed: not read. */
  flooded: number
  unreadable: number
  /** Older than what had been heard of that device, or the same again. */
  repeated: number
}

/** What is heard may come so much more often than what is told before it is dropped. */
const LENIENCE = 3
/** Others whose frequency is watched, and how many of them may tell as often as agreed. */
const MOST_WATCHED = 256
const MOST_TALKING = 64
/** A message before a decision is sent only while so many may still be: the one after it is worth more. */
const RESERVE = 2

/** What is known of one other device. */
interface Watched {
  readonly bucket: TokenBucket
  boot: number
  sequence: number
}

/**
 * What the agents of a site tell each other, beside the device's own messages on the same connection. Telling never waits and
 * never throws; hearing is limited before anything is read. Who told something is known from the topic.
 */
export class Tells {
  readonly counters: TellCounters = {
    told: 0,
    held: 0,
    unsent: 0,
    heard: 0,
    flooded: 0,
    unreadable: 0,
    repeated: 0,
  }
  readonly #options: TellsOptions
  readonly #topic: string
  readonly #edgeState: string
  readonly #own: TokenBucket
  readonly #all: TokenBucket
  readonly #watched = new Map<string, Watched>()
  #transport: Transport | undefined
  #sequence = 0
  #quiet = true
  #waiting: Told | undefined
  #timer: unknown

  constructor(options: TellsOptions) {
    const { site, id, perSecond, clock } = options
    this.#options = options
    this.#topic = topic(site, id, 'tell')
    this.#edgeState = topic(site, EDGE_ID, 'state')
    const nowMs = clock.now()
    this.#own = new TokenBucket(perSecond, Math.max(RESERVE, perSecond / 4), nowMs)
    const most = MOST_TALKING * perSecond
    this.#all = new TokenBucket(most, most, nowMs)
  }

  /** The connection with the others' messages taken out of it, and the servers' loads heard. */
  over(transport: Transport): Transport {
    this.#transport = transport
    return {
      start: (handlers) =>
        transport.start({
          onOnline: () => {
            this.#quiet = false
            handlers.onOnline()
            // By itself: a broker that does not allow it may refuse no other.
            transport.subscribe([tellsOf(this.#options.site)])
          },
          onOffline: () => handlers.onOffline(),
          onMessage: (name, packet) => {
            if (name.endsWith('/tell')) this.#onTell(name, packet)
            else {
              if (name === this.#edgeState)
                this.#options.listener.published(serverKey(EDGE_ID), this.#options.clock.now())
              handlers.onMessage(name, packet)
            }
          },
        }),
      subscribe: (filters) => transport.subscribe(filters),
      publish: (name, packet, options) => transport.publish(name, packet, options),
      close: () => {
        this.#transport = undefined
        this.#stopWaiting()
        return transport.close()
      },
    }
  }

  /**
   * Publishes a message, at most as often as agreed: what says that the agent decides is left out when there have been too many;
   * of the others the latest is sent as soon as it may be.
   */
  tell(told: Told): void {
    const nowMs = this.#options.clock.now()
    if (told.deciding.length > 0) {
      if (this.#own.tokens(nowMs) >= RESERVE) this.#publish(told, nowMs)
      else this.counters.held++
      return
    }
    if (this.#waiting) this.counters.held++
    this.#stopWaiting()
    if (saysNothing(told) && this.#quiet) return
    if (this.#own.tokens(nowMs) >= 1) {
      this.#publish(told, nowMs)
      return
    }
    this.#waiting = told
    const { clock } = this.#options
    this.#timer = clock.setTimeout(() => this.#sendWaiting(), Math.ceil(this.#own.waitMs(nowMs)))
  }

  #sendWaiting(): void {
    const told = this.#waiting
    this.#stopWaiting()
    if (told) this.tell(told)
  }

  #stopWaiting(): void {
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#waiting = undefined
  }

  #publish(told: Told, nowMs: number): void {
    this.#own.take(nowMs)
    const { network, servers, sent, deciding, allowed } = told
    this.#sequence = (this.#sequence + 1) >>> 0
    const envelope = { boot: this.#options.boot, sequence: this.#sequence, sentUs: clockUs32(nowMs) }
    let taken = false
    try {
      const body = { network, servers, sent: bytesOf(sent), deciding: bytesOf(deciding), allowed }
      taken =
        this.#transport?.publish(this.#topic, encodeMessage({ envelope, body: { kind: 'tell', ...body } })) ??
        false
    } catch {
      taken = false
    }
    this.#quiet = saysNothing(told) && taken
    if (taken) this.counters.told++
    else this.counters.unsent++
  }

  #onTell(name: string, packet: Uint8Array): void {
    const { site, id, clock, listener } = this.#options
    const from = parseTopic(name)
    if (from?.verb !== 'tell' || from.site !== site || from.device === id) return
    const nowMs = clock.now()
    const watched = this.#watch(from.device, nowMs)
    if (!watched.bucket.take(nowMs) || !this.#all.take(nowMs)) {
      this.counters.flooded++
      return
    }
    let message: Message
    try {
      message = decodeMessage(packet, MAX_TELL_BYTES)
    } catch {
      this.counters.unreadable++
      return
    }
    const { envelope, body } = message
    if (body.kind !== 'tell') this.counters.unreadable++
    else if (!isNewer(envelope, watched)) this.counters.repeated++
    else {
      watched.boot = envelope.boot
      watched.sequence = envelope.sequence
      this.counters.heard++
      const { network, servers, allowed } = body
      const told = { network, servers, allowed, sent: int8Of(body.sent), deciding: int8Of(body.deciding) }
      listener.hear(from.device, told, nowMs)
    }
  }

  #watch(device: string, nowMs: number): Watched {
    const known = this.#watched.get(device)
    if (known) {
      this.#watched.delete(device)
      this.#watched.set(device, known)
      return known
    }
    if (this.#watched.size >= MOST_WATCHED) this.#watched.delete(this.#watched.keys().next().value!)
    const most = LENIENCE * this.#options.perSecond
    const watched = { bucket: new TokenBucket(most, most, nowMs), boot: -1, sequence: 0 }
    this.#watched.set(device, watched)
    return watched
  }
}

const isNewer = ({ boot, sequence }: Envelope, last: Watched): boolean =>
  boot !== last.boot || ((sequence - last.sequence) | 0) > 0

const bytesOf = ({ buffer, byteOffset, length }: Int8Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, length)

const int8Of = ({ buffer, byteOffset, length }: Uint8Array): Int8Array =>
  new Int8Array(buffer, byteOffset, length)
