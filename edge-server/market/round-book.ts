import { TokenBucket } from '@isthmus/policies'
import type { Bid } from '@isthmus/proto'
import { checkBid } from './bid-check.ts'
import { type Rejection, reject } from './reasons.ts'

/** Names a bid in the whole market. */
export interface BidKey {
  readonly device: string
  /** Life of the device. */
  readonly boot: number
  /** Names the bid within that life. */
  readonly id: number
}

/** A bid that waits for the end of the round. */
export interface SealedBid extends BidKey {
  readonly bid: Omit<Bid, 'kind'>
  /** When it stops to count, on the clock of whoever keeps the book. */
  readonly expiresMs: number
  /** A server has been told to grant it a lease; until then nobody else is asked. */
  askedUntilMs: number
}

export interface RoundBookOptions {
  readonly roundMs: number
  /** Bids that wait at most, of all devices. */
  readonly maxBids: number
  /** Bids of one device that wait at most. */
  readonly maxOpen: number
  /** Messages of one device that are read in a round; as many again may come at once. */
  readonly perRound: number
  /** Devices that are remembered. */
  readonly maxDevices: number
}

/** What became of a bid that was handed in. `answered`: it is a repetition of one whose award is known. */
export type Submission<Answer> =
  | { readonly kind: 'counted' | 'repeated' }
  | { readonly kind: 'answered'; readonly answer: Answer }
  | ({ readonly kind: 'rejected' } & Rejection)

interface Bidder<Answer> {
  readonly device: string
  readonly bucket: TokenBucket
  readonly open: Map<string, SealedBid>
  /** Of late bids, the one answered first comes first. */
  readonly answered: Map<string, { readonly nonce: number; readonly answer: Answer }>
  /** Told in this round that it sends too much. */
  warned: boolean
}

/** Answers of one device that are remembered, for repetitions that come late. */
const ANSWERS = 16

/**
 * The bids of a round, sealed until it is closed. A repetition of a bid (the same id and nonce) counts once, a bid that comes
 * after the close is in the next round, and how many bids one device sends makes no difference to the others: what it may keep
 * here and have read is bounded for each device alone. Times are those of the keeper's own clock, so the devices' clocks do not matter.
 * `Answer` is whatever the keeper wants to be given back for a repetition.
 */
export class RoundBook<Answer> {
  readonly #options: RoundBookOptions
  /** By device; the one that was silent longest comes first. */
  readonly #bidders = new Map<string, Bidder<Answer>>()
  #size = 0

  constructor(options: RoundBookOptions) {
    this.#options = options
  }

  /** Bids that wait. */
  get size(): number {
    return this.#size
  }

  /**
   * Whether one more message of a device is read. To be asked before it is; `tell` is true once a round, when it is time to say
   * that the device sends too much.
   */
  mayRead(device: string, nowMs: number): { readonly read: boolean; readonly tell: boolean } {
    const bidder = this.#bidder(device, nowMs)
    if (bidder.bucket.take(nowMs)) return { read: true, tell: false }
    const tell = !bidder.warned
    bidder.warned = true
    return { read: false, tell }
  }

  submit(key: BidKey, bid: Omit<Bid, 'kind'>, nowMs: number): Submission<Answer> {
    const { maxBids, maxOpen } = this.#options
    const bidder = this.#bidder(key.device, nowMs)
    const name = nameOf(key)
    const waiting = bidder.open.get(name)
    const answered = bidder.answered.get(name)
    const nonce = waiting?.bid.nonce ?? answered?.nonce
    if (nonce !== undefined && nonce !== bid.nonce) {
      return { kind: 'rejected', ...reject('id-reused', `Bid ${key.id} has been another one before`) }
    }
    if (answered) return { kind: 'answered', answer: answered.answer }
    if (waiting) return { kind: 'repeated' }
    const fault = checkBid(bid)
    if (fault) return { kind: 'rejected', ...fault }
    if (bidder.open.size >= maxOpen) {
      return { kind: 'rejected', ...reject('too-many-open', `${maxOpen} bids of this device wait already`) }
    }
    if (this.#size >= maxBids)
      return { kind: 'rejected', ...reject('book-full', `${maxBids} bids wait already`) }
    bidder.open.set(name, { ...key, bid, expiresMs: nowMs + bid.validMs, askedUntilMs: nowMs })
    this.#size++
    return { kind: 'counted' }
  }

  /** An award has gone out for a bid, whoever sent it: it waits no longer, and repetitions get the same answer. */
  settle(key: BidKey, nonce: number, answer: Answer, nowMs: number): void {
    const bidder = this.#bidder(key.device, nowMs)
    const name = nameOf(key)
    const waiting = bidder.open.get(name)
    if (waiting && waiting.bid.nonce !== nonce) return
    if (bidder.open.delete(name)) this.#size--
    bidder.answered.delete(name)
    bidder.answered.set(name, { nonce, answer })
    if (bidder.answered.size > ANSWERS) bidder.answered.delete(bidder.answered.keys().next().value!)
  }

  /** A life of a device has ended, and its bids with it. */
  withdraw(device: string, boot: number): void {
    const bidder = this.#bidders.get(device)
    for (const [name, sealed] of bidder?.open ?? []) {
      if (sealed.boot !== boot) continue
      bidder!.open.delete(name)
      this.#size--
    }
  }

  /**
   * Ends the round: the bids that count in it, in an order that has nothing to do with when they came, and those that expired
   * before. They stay known until they are settled; what comes from now on is in the next round.
   */
  close(nowMs: number): { readonly bids: readonly SealedBid[]; readonly expired: readonly SealedBid[] } {
    const bids: SealedBid[] = []
    const expired: SealedBid[] = []
    for (const bidder of this.#bidders.values()) {
      bidder.warned = false
      for (const sealed of bidder.open.values()) {
        if (sealed.expiresMs <= nowMs) expired.push(sealed)
        else if (sealed.askedUntilMs <= nowMs) bids.push(sealed)
      }
    }
    return { bids: bids.sort(byName), expired }
  }

  /** Forgets bids that have expired unanswered, where somebody else closes the rounds. */
  forgetExpired(nowMs: number): void {
    for (const bidder of this.#bidders.values()) {
      bidder.warned = false
      for (const [name, { expiresMs }] of bidder.open) {
        if (expiresMs > nowMs) continue
        bidder.open.delete(name)
        this.#size--
      }
    }
  }

  #bidder(device: string, nowMs: number): Bidder<Answer> {
    const known = this.#bidders.get(device)
    if (known) this.#bidders.delete(device)
    const bidder = known ?? this.#newBidder(device, nowMs)
    this.#bidders.set(device, bidder)
    if (this.#bidders.size > this.#options.maxDevices) this.#forgetOne(device)
    return bidder
  }

  #newBidder(device: string, nowMs: number): Bidder<Answer> {
    const { perRound, roundMs } = this.#options
    const bucket = new TokenBucket((perRound * 1000) / roundMs, 2 * perRound, nowMs)
    return { device, bucket, open: new Map(), answered: new Map(), warned: false }
  }

  #forgetOne(except: string): void {
    for (const bidder of this.#bidders.values()) {
      if (bidder.open.size > 0 || bidder.device === except) continue
      this.#bidders.delete(bidder.device)
      return
    }
  }
}

const nameOf = ({ boot, id }: BidKey): string => `${boot}/${id}`

function byName(a: SealedBid, b: SealedBid): number {
  if (a.device !== b.device) return a.device < b.device ? -1 : 1
  return a.boot - b.boot || a.id - b.id
}
