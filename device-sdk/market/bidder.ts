import {
  type Award,
  type Bid,
  type BodyFields,
  clockUs32,
  decodeMessage,
  EDGE_ID,
  type Envelope,
  encodeMessage,
  type Message,
  topic,
} from '@isthmus/proto'

/** What a device wants a lease of, and what that is worth to it. */
export type Wanted = Omit<Bid, 'kind' | 'nonce' | 'validMs'>

/** A share of a server that is this device's for a while. */
export interface HeldLease {
  /** Id of the server. */
  readonly server: string
  /** Names the bid that won it. */
  readonly bid: number
  readonly payment: number
  /** Requests that the device may have outstanding there. */
  readonly credits: number
  /** On the device's clock; never later than on the server's. */
  readonly expiresMs: number
}

export interface BidderCounters {
  /** Bids sent, repetitions not counted. */
  bids: number
  won: number
  renewals: number
  /** Leases that ended against the device's will. */
  lapsed: number
  /** Sum of the payments of the leases that were taken. */
  paid: number
  /** Reason → bids that lost for it. */
  lost: Record<string, number>
}

export interface BidderOptions {
  readonly site: string
  readonly id: string
  readonly boot: number
  /** Monotonic, in milliseconds. */
  readonly now: () => number
  /** 0 … 1. */
  readonly random: () => number
  readonly publish: (topic: string, packet: Uint8Array) => void
  /** What to bid for now; undefined: nothing, and a lease there is goes back. */
  readonly wanted: () => Wanted | undefined
  /** A lease has come, or gone. */
  readonly onChange?: () => void
}

interface Pending {
  readonly id: number
  readonly nonce: number
  readonly body: BodyFields
  readonly firstMs: number
  sentMs: number
}

interface Lease extends HeldLease {
  readonly nonce: number
  readonly leaseMs: number
  expiresMs: number
  /** Whether the server has said since that the lease is there. Before that it may be over: awards may come late. */
  confirmed: boolean
  renewedMs: number
}

/** Rounds for which a bid is valid; after that, another one is made. */
const VALID_ROUNDS = 4
/** A bid that has no award after so many rounds is sent again. */
const PATIENCE_ROUNDS = 1.5
/** A bid that can never win as it is, is not made again for so long. */
const HOPELESS_MS = 30_000
/** However long a market says that its rounds are, in ms: times that follow from it have to fit into messages. */
const LONGEST_ROUND_MS = 600_000

/**
 * Gets a lease for a device and keeps it: bids, takes the first award that wins and gives back any other, renews, and bids anew when the
 * lease is gone. So there is at most one lease for a bid, whatever the servers think. No I/O of its own.
 */
export class Bidder {
  readonly counters: BidderCounters = { bids: 0, won: 0, renewals: 0, lapsed: 0, paid: 0, lost: {} }
  readonly #options: BidderOptions
  readonly #topics: { readonly bid: string; readonly award: string; readonly claim: string }
  #online = false
  #roundMs: number | undefined
  #pending: Pending | undefined
  #lease: Lease | undefined
  /** Held when the connection was lost; the server may not know that it was. */
  #former: Lease | undefined
  #formerSinceMs = 0
  #idleUntilMs = Number.NEGATIVE_INFINITY
  #lastId = 0
  #sequence = 0

  constructor(options: BidderOptions) {
    this.#options = options
    const { site, id } = options
    this.#topics = {
      bid: topic(site, id, 'bid'),
      award: topic(site, id, 'award'),
      claim: topic(site, EDGE_ID, 'claim'),
    }
  }

  /** What the device has to subscribe to. */
  get filters(): readonly string[] {
    return [this.#topics.award, this.#topics.claim]
  }

  /** Whether there is a market to bid in. */
  get hasMarket(): boolean {
    return this.#online && this.#roundMs !== undefined
  }

  /** The lease that is held now. */
  get lease(): HeldLease | undefined {
    const lease = this.#lease
    return lease?.confirmed && lease.expiresMs > this.#options.now() ? lease : undefined
  }

  /** The broker is there, and the filters are subscribed. */
  onOnline(): void {
    this.#online = true
    this.#idleUntilMs = Number.NEGATIVE_INFINITY
  }

  /** The broker is gone, or takes the device for gone: its last will gives back what it had. */
  onOffline(): void {
    this.#online = false
    this.#pending = undefined
    this.#roundMs = undefined
    this.#former = this.#lease ?? this.#former
    this.#formerSinceMs = Number.NaN
    this.#drop()
  }

  /** Gives the lease back. */
  close(): void {
    if (this.#lease) this.#release(this.#lease.bid, this.#lease.nonce, this.#lease.server)
    this.onOffline()
  }

  /** Takes a message; false when it is not for it. */
  onMessage(name: string, packet: Uint8Array): boolean {
    const { award, claim } = this.#topics
    if (name !== award && name !== claim) return false
    let message: Message
    try {
      message = decodeMessage(packet)
    } catch {
      return true
    }
    const { envelope, body } = message
    if (name === claim && body.kind === 'claim')
      this.#roundMs = Math.min(LONGEST_ROUND_MS, Math.max(10, body.roundMs))
    else if (name === award && body.kind === 'award' && body.bidBoot === this.#options.boot) {
      this.#onAward(envelope, body)
    }
    return true
  }

  /** To be called some times in a round. */
  tick(): void {
    if (!this.#online || this.#roundMs === undefined) return
    const nowMs = this.#options.now()
    const lease = this.#lease
    if (lease && lease.expiresMs <= nowMs) {
      // The server may think otherwise.
      this.#release(lease.bid, lease.nonce, lease.server)
      this.counters.lapsed++
      this.#drop()
    }
    const wanted = this.#options.wanted()
    if (wanted === undefined) {
      if (this.#lease) this.#release(this.#lease.bid, this.#lease.nonce, this.#lease.server)
      this.#pending = undefined
      this.#drop()
    } else if (this.#lease) this.#renew(this.#lease, nowMs)
    else if (this.#former) this.#askForFormer(this.#former, nowMs)
    else if (this.#pending) this.#repeat(this.#pending, nowMs)
    else if (nowMs >= this.#idleUntilMs) this.#bid(wanted, nowMs)
  }

  /** Once a round, until there is an answer; not for ever, since its server may be gone. */
  #askForFormer(former: Lease, nowMs: number): void {
    if (Number.isNaN(this.#formerSinceMs)) {
      this.#formerSinceMs = nowMs
      former.renewedMs = Number.NEGATIVE_INFINITY
    }
    if (nowMs - this.#formerSinceMs > VALID_ROUNDS * this.#roundMs!) this.#former = undefined
    else if (nowMs - former.renewedMs >= this.#roundMs!) this.#sendRenewal(former, nowMs)
  }

  #bid(wanted: Wanted, nowMs: number): void {
    const id = (this.#lastId % 0xffffffff) + 1
    this.#lastId = id
    const nonce = Math.floor(this.#options.random() * 2 ** 32) >>> 0
    const validMs = Math.ceil(VALID_ROUNDS * this.#roundMs!)
    const body: BodyFields = { kind: 'bid', nonce, validMs, ...wanted }
    this.#pending = { id, nonce, body, firstMs: nowMs, sentMs: nowMs }
    this.counters.bids++
    this.#publish(id, body)
  }

  #repeat(pending: Pending, nowMs: number): void {
    if (nowMs - pending.firstMs > VALID_ROUNDS * this.#roundMs!) this.#pending = undefined
    else if (nowMs - pending.sentMs > PATIENCE_ROUNDS * this.#roundMs!) {
      pending.sentMs = nowMs
      this.#publish(pending.id, pending.body)
    }
  }

  /** From when a third of the time is over, some tries. */
  #renew(lease: Lease, nowMs: number): void {
    const { leaseMs, expiresMs, confirmed, renewedMs } = lease
    const every = Math.max(1, leaseMs / 9)
    const isDue = !confirmed || expiresMs - nowMs < (2 / 3) * leaseMs
    const patienceMs = confirmed ? every : Math.min(every, this.#roundMs!)
    if (isDue && nowMs - renewedMs >= patienceMs) this.#sendRenewal(lease, nowMs)
  }

  #sendRenewal(lease: Lease, nowMs: number): void {
    lease.renewedMs = nowMs
    this.#publish(lease.bid, { kind: 'renew', nonce: lease.nonce, server: lease.server }, nowMs)
  }

  #onAward({ id }: Envelope, award: Award): void {
    const nowMs = this.#options.now()
    const { outcome, nonce, server } = award
    // Of a server without a name nothing can be renewed or given back.
    if ((outcome === 'won' || outcome === 'renewed') && server === '') return
    const former = this.#former
    const isFormer = former?.bid === id && former.nonce === nonce && former.server === server
    if (isFormer && !this.#lease) {
      // What was said before the break does not count: the lease may have ended with the connection.
      const isStale =
        Number.isNaN(this.#formerSinceMs) || ageMs(award, nowMs) > nowMs - this.#formerSinceMs + 0.001
      if (outcome === 'renewed' && isStale) return
      if (outcome === 'renewed') {
        this.#lease = { ...former, expiresMs: nowMs }
        this.#prolong(this.#lease, award, nowMs)
        this.#options.onChange?.()
      }
      // A server that comes back tells of the lease as if it had just been won.
      if (outcome !== 'won') this.#former = undefined
      return
    }
    const lease = this.#lease
    const isMine = lease?.bid === id && lease.nonce === nonce && lease.server === server
    if (outcome === 'won') {
      if (isMine) return
      if (this.#pending?.id === id && this.#pending.nonce === nonce && !lease) this.#take(id, award, nowMs)
      else this.#release(id, nonce, server)
    } else if (outcome === 'renewed') {
      if (isMine) this.#prolong(lease, award, nowMs)
      else this.#release(id, nonce, server)
    } else if (outcome === 'lapsed') {
      if (!isMine) return
      this.counters.lapsed++
      this.#drop()
    } else if (this.#pending?.id === id && this.#pending.nonce === nonce) {
      this.#pending = undefined
      this.counters.lost[award.reason] = (this.counters.lost[award.reason] ?? 0) + 1
      // Not quite the next round for all: those who lost together need not all come at once.
      const waitMs = award.retryAfterMs > 0 ? award.retryAfterMs * this.#options.random() : HOPELESS_MS
      this.#idleUntilMs = nowMs + waitMs
    }
  }

  #take(bid: number, { nonce, server, payment, credits, leaseMs, holdMs }: Award, nowMs: number): void {
    this.#pending = undefined
    const expiresMs = nowMs + holdMs
    const terms = { server, bid, nonce, payment, credits, leaseMs: Math.max(1, leaseMs) }
    this.#lease = { ...terms, expiresMs, confirmed: false, renewedMs: nowMs }
    this.counters.won++
    this.#sendRenewal(this.#lease, nowMs)
  }

  /** The server has counted anew from when it got the renewal: not before that was sent. */
  #prolong(lease: Lease, { echoUs, leaseMs, payment }: Award, nowMs: number): void {
    // Both stamps are rounded down.
    const untilMs = nowMs - ageMs({ echoUs }, nowMs) - 0.001 + leaseMs
    if (!lease.confirmed) this.counters.paid += payment
    this.counters.renewals++
    // Until it is confirmed, only for as long as it is held.
    lease.expiresMs = lease.confirmed ? Math.max(lease.expiresMs, untilMs) : untilMs
    const isNew = !lease.confirmed
    lease.confirmed = true
    if (isNew) this.#options.onChange?.()
  }

  #drop(): void {
    if (!this.#lease) return
    this.#lease = undefined
    this.#options.onChange?.()
  }

  #release(id: number, nonce: number, server: string): void {
    this.#publish(id, { kind: 'release', nonce, server })
  }

  #publish(id: number, body: BodyFields, nowMs = this.#options.now()): void {
    if (!this.#online) return
    const { boot, publish } = this.#options
    this.#sequence = (this.#sequence + 1) >>> 0
    const envelope = { id, boot, sequence: this.#sequence, sentUs: clockUs32(nowMs) }
    publish(this.#topics.bid, encodeMessage({ envelope, body }))
  }
}

/** How long ago the renewal was sent that an award answers. */
const ageMs = ({ echoUs }: Pick<Award, 'echoUs'>, nowMs: number): number =>
  ((clockUs32(nowMs) - echoUs) >>> 0) / 1000
