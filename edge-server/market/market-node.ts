import {
  type Bid,
  decodeMessage,
  EDGE_ID,
  type Grants,
  IsthmusError,
  isDeviceId,
  isServerId,
  isWireErrorCode,
  MAX_BID_BYTES,
  type Message,
  parseTopic,
  topic,
  type Verb,
} from '@isthmus/proto'
import { Auctioneer } from './auctioneer.ts'
import { type AwardFields, awardOf, lapsed, lostTo } from './awards.ts'
import { CapacityBoard } from './capacity-board.ts'
import { Election } from './election.ts'
import { type Lease, LeaseLedger, type LedgerEntry, type Verdict } from './lease-ledger.ts'
import type { EndOfLease, MarketNodeOptions } from './market-options.ts'
import { MarketVoice } from './market-voice.ts'
import type { BidReason } from './reasons.ts'
import { type BidKey, RoundBook } from './round-book.ts'
import { newerTerm, type Term } from './term.ts'

/** Signs of life in a round, and how many of them may be missed. */
const BEATS = 10
const SILENT_BEATS = 4

/** Terms beyond this are no honest election's: the numbers of those after them would not fit into a message. */
const LAST_TERM = 2 ** 31

/**
 * One server's part in the market: it keeps bids (all servers do, so that none is lost with the auctioneer), holds the auctions
 * while it is elected, grants leases on its own capacity, and keeps them. No I/O of its own.
 */
export class MarketNode {
  readonly #options: MarketNodeOptions
  readonly #book: RoundBook<AwardFields>
  readonly #ledger: LeaseLedger
  readonly #board: CapacityBoard
  readonly #election: Election
  readonly #auctioneer: Auctioneer
  readonly #voice: MarketVoice
  /** Leases that are not on the disk yet, and the stamp of the last renewal of each that waits for that. */
  readonly #unsafe = new Map<Lease, number | undefined>()
  #led: Term | undefined
  /** The last other server that was heard of as the auctioneer. */
  #former: string | undefined
  #beats = 0
  #saidFree = ''
  #saidMs = Number.NEGATIVE_INFINITY
  #tidiedMs = Number.NEGATIVE_INFINITY
  #open = true

  constructor(options: MarketNodeOptions) {
    this.#options = options
    const { rules, offer, clock, id, entries } = options
    const { roundMs } = rules
    this.#voice = new MarketVoice(options)
    const nowMs = clock()
    this.#book = new RoundBook(rules)
    this.#ledger = new LeaseLedger({ ...offer, ...rules }, entries, nowMs)
    this.#board = new CapacityBoard(3 * roundMs)
    const beatMs = roundMs / BEATS
    const timing = { silenceMs: SILENT_BEATS * beatMs, beatMs, staggerMs: beatMs }
    this.#election = new Election({ self: id, ...timing }, nowMs, this.#ledger.fence)
    this.#auctioneer = new Auctioneer({
      roundMs,
      book: this.#book,
      board: this.#board,
      clear: options.clear,
      clock,
      leads: (term) => this.leads && this.#election.term === term,
      grant: (grants) => this.#voice.grants(grants),
      award: (key, award) => this.#award(key, award),
      cleared: (figures) => {
        options.observer.cleared(figures)
        if (figures.bids > 0 && options.memory) this.#voice.memory(options.memory)
      },
      failed: (error) => options.observer.clearingFailed(error),
    })
  }

  /** Topics of a site that a node listens to. `alone`: there are no other servers, whose awards it would have to know. */
  static filters(site: string, alone = false): string[] {
    const verbs: readonly Verb[] = ['bid', 'state', 'capacity', 'beat', 'grant']
    return [
      ...[...verbs, ...(alone ? [] : ['award' as const])].map((verb) => `isthmus/1/${site}/+/${verb}`),
      topic(site, EDGE_ID, 'claim'),
      topic(site, EDGE_ID, 'memory'),
    ]
  }

  get leads(): boolean {
    return this.#open && this.#election.leads(this.#options.clock())
  }

  get ledger(): LeaseLedger {
    return this.#ledger
  }

  /** Bids that wait here. */
  get bids(): number {
    return this.#book.size
  }

  /** Capacity and use of the servers that take part, by kind. */
  get loads(): ReturnType<CapacityBoard['loads']> {
    return this.#board.loads(this.#options.clock())
  }

  /**
   * Says what this server has, and who holds the auctions if it is this one, and tells devices of the leases that an earlier life has left. To be
   * called at each connection: the broker may have forgotten what it was told.
   */
  announce(): void {
    this.#sayCapacity()
    if (this.leads) this.#sayClaim('claim', this.#options.clock())
    for (const lease of this.#ledger.leases) {
      if (!this.#unsafe.has(lease)) this.#award(lease, this.#won(lease))
    }
  }

  /** To be called some times in a hundredth of a round or a few milliseconds, whichever is longer. */
  tick(): void {
    if (!this.#open) return
    const { clock, rules, id, observer } = this.#options
    const nowMs = clock()
    const word = this.#election.tick(nowMs)
    if (word) this.#sayClaim(word, nowMs)
    this.#lead(nowMs)
    const { ended, entries } = this.#ledger.expire(nowMs)
    this.#note(entries)
    for (const lease of ended) {
      observer.ended(lease, 'expired')
      if (!this.#unsafe.has(lease)) this.#award(lease, lapsed(lease, lease.nonce, id))
    }
    if (nowMs - this.#tidiedMs >= rules.roundMs) {
      this.#tidiedMs = nowMs
      if (!this.leads) this.#book.forgetExpired(nowMs)
    }
    if (nowMs - this.#saidMs >= rules.roundMs || `${this.#ledger.free}` !== this.#saidFree)
      this.#sayCapacity()
  }

  /** Takes one message. Never throws; the packet is not kept. */
  receive(topicName: string, packet: Uint8Array, retained = false): void {
    const { site, clock, observer } = this.#options
    const parts = parseTopic(topicName)
    if (!this.#open || parts?.site !== site || packet.length === 0) return
    const { device: sender, verb } = parts
    const nowMs = clock()
    if (verb === 'bid') {
      // A bid that a broker has stored is as old as it likes.
      if (retained || !isDeviceId(sender)) return
      const { read, tell } = this.#book.mayRead(sender, nowMs)
      if (tell && this.leads)
        this.#voice.complaint(sender, 'OVER_CREDIT', 'It sends too many bids in a round')
      if (!read) return
    }
    try {
      const message = decodeMessage(packet, verb === 'bid' ? MAX_BID_BYTES : undefined)
      if (isDeviceId(sender)) this.#fromDevice(sender, verb, message, nowMs)
      else if (isServerId(sender)) {
        // What an earlier life of this server has left is retained.
        const { id, epoch } = this.#options
        if (verb === 'capacity' && sender === id && !retained && message.envelope.boot !== epoch) {
          observer.rejected(id, 'BAD_MESSAGE', `Another server has the id ${id}, too: give each one its own`)
        }
        this.#fromServer(sender, verb, message, nowMs)
      }
    } catch (error) {
      const code = error instanceof IsthmusError && isWireErrorCode(error.code) ? error.code : 'BAD_MESSAGE'
      const detail = error instanceof Error ? error.message : String(error)
      observer.rejected(sender, code, detail)
      if (verb === 'bid' && this.leads) this.#voice.complaint(sender, code, detail)
    }
  }

  /** Holds no auction any more and lets another server take over. What has been granted stays granted. */
  close(): void {
    const wasLeading = this.leads
    this.#open = false
    this.#election.resign()
    if (wasLeading) this.#options.observer.elected(false, this.#election.term!)
  }

  #fromDevice(device: string, verb: Verb, { envelope, body }: Message, nowMs: number): void {
    const key = { device, boot: envelope.boot, id: envelope.id }
    const { id } = this.#options
    if (verb === 'bid' && body.kind === 'bid') this.#onBid(key, body, nowMs)
    else if (verb === 'bid' && body.kind === 'renew') {
      if (body.server === id) this.#onRenew(key, body.nonce, envelope.sentUs, nowMs)
    } else if (verb === 'bid' && body.kind === 'release') {
      if (body.server === id) this.#endAll(this.#ledger.release(key, body.nonce), 'released')
    } else if (verb === 'award' && body.kind === 'award') {
      // Said by a server; devices may not.
      const { kind: _, ...award } = body
      if (body.outcome === 'renewed' || body.outcome === 'lapsed') return
      this.#book.settle({ device, boot: body.bidBoot, id: envelope.id }, body.nonce, award, nowMs)
    } else if (verb === 'state' && body.kind === 'state' && body.presence === 'offline') {
      this.#book.withdraw(device, envelope.boot)
      this.#endAll(this.#ledger.gone(device, envelope.boot), 'offline')
    }
  }

  #fromServer(sender: string, verb: Verb, { envelope, body, payload }: Message, nowMs: number): void {
    const { id, epoch, observer } = this.#options
    if ((body.kind === 'claim' || body.kind === 'grants') && body.term > LAST_TERM) {
      observer.rejected(sender, 'BAD_MESSAGE', `Nobody can follow in term ${body.term}`)
      return
    }
    if ((verb === 'claim' || verb === 'beat') && body.kind === 'claim') {
      if (!isServerId(body.holder)) return
      const term = { number: body.term, holder: body.holder }
      if (body.holder !== id) this.#former = body.holder
      this.#election.onClaim(term, nowMs, envelope.boot === epoch ? envelope.id : undefined)
      this.#ledger.observe(term)
      this.#lead(nowMs)
    } else if (verb === 'capacity' && body.kind === 'capacity') {
      this.#board.hear(sender, body, nowMs)
      this.#election.onServer(sender)
    } else if (verb === 'state' && body.kind === 'state') {
      // One that drains sells nothing more and holds no auction.
      if (body.presence === 'online' || sender === id) return
      this.#board.gone(sender)
      this.#election.onGone(sender, nowMs)
    } else if (verb === 'grant' && body.kind === 'grants' && body.server === id)
      this.#onGrants(sender, body, nowMs)
    else if (verb === 'memory' && body.kind === 'marketMemory') this.#onMemory(sender, body.rounds, payload)
  }

  #onMemory(sender: string, rounds: number, payload: Uint8Array): void {
    const { memory, observer } = this.#options
    if (memory === undefined || rounds <= memory.rounds || memory.adopt(payload)) return
    observer.rejected(sender, 'BAD_MESSAGE', 'What it remembers of earlier rounds cannot be read')
  }

  #onBid(key: BidKey, { kind: _, ...bid }: Bid, nowMs: number): void {
    const submission = this.#book.submit(key, bid, nowMs)
    if (!this.leads) return
    if (submission.kind === 'answered') this.#award(key, submission.answer)
    if (submission.kind !== 'rejected') return
    const { reason, detail } = submission
    this.#options.observer.rejected(key.device, reason, detail)
    this.#award(key, lostTo(key, bid.nonce, reason, { detail, retryAfterMs: this.#options.rules.roundMs }))
  }

  #onRenew(key: BidKey, nonce: number, echoUs: number, nowMs: number): void {
    const asked = this.#ledger.find(key, nonce)
    if (asked && this.#unsafe.has(asked)) {
      this.#unsafe.set(asked, echoUs)
      return
    }
    const lease = this.#ledger.renew(key, nonce, nowMs)
    this.#award(key, lease ? this.#renewed(lease, echoUs, nowMs) : lapsed(key, nonce, this.#options.id))
  }

  #onGrants(holder: string, { term: number, round, part, grants }: Grants, nowMs: number): void {
    const { journal, observer } = this.#options
    const { verdicts, entries } = this.#ledger.apply({ number, holder, round, part }, grants, nowMs)
    for (const verdict of verdicts) {
      if ('lease' in verdict && verdict.isNew) this.#unsafe.set(verdict.lease, undefined)
    }
    const tell = (kept: boolean) => {
      for (const verdict of verdicts) this.#tell(verdict, kept)
    }
    if (entries.length === 0) {
      tell(true)
      return
    }
    // Nobody hears of a lease that would not outlive this server.
    journal.write(entries).then(
      () => tell(true),
      (error) => {
        observer.journalFailed(error)
        tell(false)
      },
    )
  }

  /** `kept`: what is new in the order is on the disk. */
  #tell(verdict: Verdict, kept: boolean): void {
    if ('reason' in verdict) {
      const { device, boot, bid: id, nonce } = verdict.grant
      this.#refuse({ device, boot, id }, nonce, verdict.reason)
    } else if (verdict.isNew) this.#written(verdict.lease, kept)
    // Of one that is still being written, the order that it is from tells.
    else if (this.#holds(verdict.lease) && !this.#unsafe.has(verdict.lease))
      this.#award(verdict.lease, this.#won(verdict.lease))
  }

  /** The disk has a new lease, or cannot keep it: now it is told of, unless it has ended meanwhile. */
  #written(lease: Lease, kept: boolean): void {
    const { clock, observer } = this.#options
    const renewedUs = this.#unsafe.get(lease)
    this.#unsafe.delete(lease)
    const isHeld = this.#holds(lease)
    if (isHeld && !kept) {
      this.#endAll(this.#ledger.release(lease, lease.nonce), 'not-kept')
      this.#refuse(lease, lease.nonce, 'not-kept')
      return
    }
    if (isHeld) {
      observer.granted(lease)
      this.#award(lease, this.#won(lease))
    }
    if (renewedUs !== undefined) this.#onRenew(lease, lease.nonce, renewedUs, clock())
  }

  /** Not another one of the same bid. */
  #holds(lease: Lease): boolean {
    return this.#ledger.find(lease, lease.nonce) === lease
  }

  #refuse(key: BidKey, nonce: number, reason: BidReason): void {
    const { observer, id, rules, clock } = this.#options
    observer.refused(reason)
    const lost = lostTo(key, nonce, reason, { server: id, retryAfterMs: rules.roundMs })
    this.#book.settle(key, nonce, lost, clock())
    this.#award(key, lost)
  }

  #lead(nowMs: number): void {
    const term = this.#election.term
    if (term !== undefined && this.leads) {
      if (this.#led !== term) {
        this.#led = term
        // Whoever had the office is silent or has lost it; if it lives, it tells of its capacity in a round.
        if (this.#former !== undefined) this.#board.gone(this.#former)
        this.#auctioneer.takeOffice(term, nowMs)
        this.#options.observer.elected(true, term)
      }
      this.#auctioneer.tick(nowMs)
    } else if (this.#led !== undefined) {
      this.#options.observer.elected(false, newerTerm(term, this.#led))
      this.#led = undefined
    }
  }

  #endAll(entries: readonly LedgerEntry[], why: EndOfLease): void {
    this.#note(entries)
    for (const entry of entries) if (entry.kind === 'end') this.#options.observer.ended(entry, why)
  }

  /** Writes down what nobody waits for. */
  #note(entries: readonly LedgerEntry[]): void {
    const { journal, observer } = this.#options
    if (entries.length > 0) journal.write(entries).catch((error) => observer.journalFailed(error))
  }

  #renewed(lease: Lease, echoUs: number, nowMs: number): AwardFields {
    // Rounded down: the device must not believe in it for longer than this server.
    const leaseMs = Math.floor(lease.expiresMs - nowMs)
    return { ...this.#won(lease), outcome: 'renewed', leaseMs, echoUs }
  }

  #won(lease: Lease): AwardFields {
    const { rules, id } = this.#options
    return awardOf(lease, id, rules.leaseMs, rules.holdMs)
  }

  #award({ device, boot, id }: BidKey, award: AwardFields): void {
    const { clock } = this.#options
    if (award.outcome === 'won') this.#book.settle({ device, boot, id }, award.nonce, award, clock())
    this.#voice.award({ device, boot, id }, award)
  }

  #sayCapacity(): void {
    const { offer, clock } = this.#options
    this.#saidFree = `${this.#ledger.free}`
    this.#saidMs = clock()
    this.#voice.capacity(offer, this.#ledger)
  }

  #sayClaim(word: 'claim' | 'beat', nowMs: number): void {
    const { roundMs } = this.#options.rules
    const number = ++this.#beats
    this.#election.said(number, nowMs)
    this.#voice.claim(word, this.#election.term!, { round: this.#auctioneer.round, roundMs }, number)
  }
}
