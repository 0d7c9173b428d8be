import type { Grant } from '@isthmus/proto'
import type { Amounts } from '../auction/market.ts'
import type { BidReason } from './reasons.ts'
import type { BidKey } from './round-book.ts'
import { compareTerms, type Term } from './term.ts'

/** A share of this server, held by a device. */
export interface Lease extends BidKey {
  readonly nonce: number
  readonly demand: Amounts
  readonly payment: number
  readonly term: number
  readonly round: number
  /** Requests that it lets the device have outstanding. */
  readonly credits: number
  /** When it has to be won again, however often it is renewed. */
  readonly endsMs: number
  /** Whether the device has said that it takes it. */
  accepted: boolean
  /** On the server's own clock. */
  expiresMs: number
}

/** What a ledger writes down, and is made again from. */
export type LedgerEntry =
  | ({ readonly kind: 'order' } & Order)
  | ({ readonly kind: 'lease' } & Omit<Lease, 'accepted' | 'expiresMs' | 'endsMs'>)
  | ({ readonly kind: 'end' } & BidKey)

/** Which message of the auctioneer it was. */
export interface Order extends Term {
  readonly round: number
  readonly part: number
}

export interface LeaseLedgerOptions {
  /** What all leases together may hold. */
  readonly capacity: Amounts
  /** Credits that all leases together may have. */
  readonly credits: number
  readonly leaseMs: number
  /** How long a lease is held for a device that has not accepted it. */
  readonly holdMs: number
  /** Longest time from the grant to the last renewal's end; a restart counts as a grant. Default: no limit. */
  readonly tenureMs?: number
}

export type Verdict = { readonly grant: Grant } & (
  | { readonly lease: Lease; readonly isNew: boolean }
  | { readonly reason: BidReason }
)

/** What an order led to. The entries must be safe before anybody is told of the leases. */
export interface Applied {
  readonly verdicts: readonly Verdict[]
  readonly entries: readonly LedgerEntry[]
}

/** Rounding of sums of amounts. */
const SLACK = 1e-9

/**
 * The leases of one server. It alone decides what its capacity is given to, whoever auctions: it grants nothing that does not fit
 * beside the leases there are, and nothing that an auctioneer orders who has been replaced. So no capacity is ever given away twice,
 * even while two servers both take themselves for the auctioneer.
 */
export class LeaseLedger {
  readonly #options: LeaseLedgerOptions
  readonly #leases = new Map<string, Lease>()
  readonly #byDevice = new Map<string, Set<Lease>>()
  #fence: Term | undefined
  #round = 0
  readonly #parts = new Set<number>()

  /**
   * `entries`: what an earlier life of the server wrote down. How long that is ago nobody knows, so each lease gets its whole
   * time again; it is lost neither to a restart nor to a clock that was set.
   */
  constructor(options: LeaseLedgerOptions, entries: Iterable<LedgerEntry> = [], nowMs = 0) {
    this.#options = options
    for (const entry of entries) this.#restore(entry, nowMs)
  }

  get size(): number {
    return this.#leases.size
  }

  /** The newest term that is known here; orders of older ones are refused. */
  get fence(): Term | undefined {
    return this.#fence
  }

  get leases(): Iterable<Lease> {
    return this.#leases.values()
  }

  /** What no lease holds; nothing where leases have all the credits, so that the auctioneer looks for another server. */
  get free(): Amounts {
    const free = [...this.#options.capacity]
    if (this.credits >= this.#options.credits) return free.fill(0)
    for (const { demand } of this.#leases.values()) {
      for (const [at, amount] of demand.entries()) free[at]! -= amount
    }
    return free.map((amount) => Math.max(0, amount))
  }

  /** Credits of all leases of a device; 0: it has none. */
  creditsOf(device: string): number {
    let credits = 0
    for (const lease of this.#byDevice.get(device) ?? []) credits += lease.credits
    return credits
  }

  /** Credits of all leases. */
  get credits(): number {
    let credits = 0
    for (const lease of this.#leases.values()) credits += lease.credits
    return credits
  }

  find(key: BidKey, nonce: number): Lease | undefined {
    const lease = this.#leases.get(nameOf(key))
    return lease?.nonce === nonce ? lease : undefined
  }

  /** Another auctioneer has been heard of. True when its term is the newest so far. */
  observe(term: Term): boolean {
    if (this.#fence !== undefined && compareTerms(term, this.#fence) <= 0) return false
    this.#fence = { number: term.number, holder: term.holder }
    this.#round = 0
    this.#parts.clear()
    return true
  }

  /** Grants what fits. An order counts once, and not after one of a later round or term. */
  apply(order: Order, grants: readonly Grant[], nowMs: number): Applied {
    this.observe(order)
    if (compareTerms(order, this.#fence!) < 0 || this.#isPast(order)) {
      return {
        verdicts: grants.map((grant) => this.#known(grant) ?? { grant, reason: 'old-order' }),
        entries: [],
      }
    }
    if (order.round > this.#round) this.#parts.clear()
    this.#round = order.round
    this.#parts.add(order.part)
    const { number, holder, round, part } = order
    const entries: LedgerEntry[] = [{ kind: 'order', number, holder, round, part }]
    const verdicts = grants.map((grant): Verdict => {
      const verdict = this.#known(grant) ?? this.#grant(order, grant, nowMs)
      if ('lease' in verdict && verdict.isNew) entries.push(entryOf(verdict.lease))
      return verdict
    })
    return { verdicts, entries }
  }

  /** The device takes the lease, or wants it for longer. Undefined when there is no such lease (any more). */
  renew(key: BidKey, nonce: number, nowMs: number): Lease | undefined {
    const lease = this.find(key, nonce)
    if (lease === undefined || lease.expiresMs <= nowMs) return undefined
    lease.accepted = true
    lease.expiresMs = Math.min(lease.endsMs, nowMs + this.#options.leaseMs)
    return lease
  }

  release(key: BidKey, nonce: number): readonly LedgerEntry[] {
    const lease = this.find(key, nonce)
    return lease === undefined ? [] : this.#end([lease])
  }

  /** A life of a device has ended: its leases are over. With `except`, those of all its other lives. */
  gone(device: string, boot: number, except = false): readonly LedgerEntry[] {
    const leases = [...(this.#byDevice.get(device) ?? [])]
    return this.#end(leases.filter((lease) => (lease.boot === boot) !== except))
  }

  /** Ends what has not been renewed in time. */
  expire(nowMs: number): { readonly ended: readonly Lease[]; readonly entries: readonly LedgerEntry[] } {
    const ended = [...this.#leases.values()].filter(({ expiresMs }) => expiresMs <= nowMs)
    return { ended, entries: this.#end(ended) }
  }

  /** All that is needed to make this ledger again. */
  snapshot(): readonly LedgerEntry[] {
    const leases = [...this.#leases.values()].map(entryOf)
    if (this.#fence === undefined) return leases
    const { number, holder } = this.#fence
    const parts = this.#parts.size === 0 ? [-1] : [...this.#parts]
    return [
      ...parts.map((part) => ({ kind: 'order' as const, number, holder, round: this.#round, part })),
      ...leases,
    ]
  }

  /** An order that was applied already, or that a later round has overtaken. */
  #isPast({ round, part }: Order): boolean {
    return round < this.#round || (round === this.#round && this.#parts.has(part))
  }

  #known(grant: Grant): Verdict | undefined {
    const lease = this.find({ device: grant.device, boot: grant.boot, id: grant.bid }, grant.nonce)
    return lease && { grant, lease, isNew: false }
  }

  #grant(order: Order, grant: Grant, nowMs: number): Verdict {
    const { capacity, credits: allCredits, holdMs } = this.#options
    const { device, boot, bid: id, nonce, demand, payment } = grant
    const free = this.free
    // What does not compare is no amount.
    const fits = demand.every((amount, at) => amount >= 0 && amount <= free[at]! + SLACK * capacity[at]!)
    const credits = creditsFor(demand, capacity, allCredits)
    const isHeld = this.#leases.has(nameOf({ device, boot, id }))
    if (!fits || isHeld || this.credits + credits > allCredits) return { grant, reason: 'capacity-gone' }
    const { number: term, round } = order
    const terms = { nonce, demand, payment, term, round, credits }
    const times = { endsMs: this.#endsMs(nowMs), expiresMs: nowMs + holdMs }
    const lease = { device, boot, id, ...terms, ...times, accepted: false }
    this.#add(lease)
    return { grant, lease, isNew: true }
  }

  #restore(entry: LedgerEntry, nowMs: number): void {
    if (entry.kind === 'order') {
      this.observe(entry)
      if (entry.round > this.#round) this.#parts.clear()
      this.#round = Math.max(this.#round, entry.round)
      this.#parts.add(entry.part)
    } else if (entry.kind === 'lease') {
      const { kind: _, ...terms } = entry
      this.#end([...this.#leases.values()].filter((lease) => nameOf(lease) === nameOf(terms)))
      const times = { endsMs: this.#endsMs(nowMs), expiresMs: nowMs + this.#options.leaseMs }
      this.#add({ ...terms, ...times, accepted: false })
    } else {
      const lease = this.#leases.get(nameOf(entry))
      if (lease) this.#end([lease])
    }
  }

  #endsMs(nowMs: number): number {
    return nowMs + (this.#options.tenureMs ?? Number.POSITIVE_INFINITY)
  }

  #add(lease: Lease): void {
    this.#leases.set(nameOf(lease), lease)
    const others = this.#byDevice.get(lease.device) ?? new Set()
    this.#byDevice.set(lease.device, others.add(lease))
  }

  #end(leases: readonly Lease[]): readonly LedgerEntry[] {
    return leases.map((lease) => {
      this.#leases.delete(nameOf(lease))
      const others = this.#byDevice.get(lease.device)
      others?.delete(lease)
      if (others?.size === 0) this.#byDevice.delete(lease.device)
      const { device, boot, id } = lease
      return { kind: 'end', device, boot, id }
    })
  }
}

/**
 * As large a share of all credits as the demand is of the capacity, over all kinds that there are, and at least one. So leases that fit
 * together have no more credits together than there are, unless most of them are tiny.
 */
export function creditsFor(demand: Amounts, capacity: Amounts, credits: number): number {
  const shares = demand.flatMap((amount, at) => (capacity[at]! > 0 ? [amount / capacity[at]!] : []))
  const mean = shares.reduce((sum, share) => sum + Math.min(1, share), 0) / Math.max(1, shares.length)
  return Math.max(1, Math.floor(credits * mean))
}

function entryOf(lease: Lease): LedgerEntry {
  const { accepted: _, expiresMs: __, endsMs: ___, ...terms } = lease
  return { kind: 'lease', ...terms }
}

const nameOf = ({ device, boot, id }: BidKey): string => `${device}/${boot}/${id}`
