import { type Grant, type Grants, MAX_GRANTS } from '@isthmus/proto'
import type { Request } from '../auction/market.ts'
import { type AwardFields, lostTo } from './awards.ts'
import type { CapacityBoard } from './capacity-board.ts'
import type { Cleared, ClearMarket } from './clearing.ts'
import type { RoundFigures } from './market-options.ts'
import type { BidReason } from './reasons.ts'
import type { BidKey, RoundBook, SealedBid } from './round-book.ts'
import { compareTerms, type Term } from './term.ts'

export interface AuctioneerOptions {
  readonly roundMs: number
  readonly book: RoundBook<AwardFields>
  readonly board: CapacityBoard
  readonly clear: ClearMarket
  readonly clock: () => number
  /** Whether this server still has that term. */
  readonly leads: (term: Term) => boolean
  readonly grant: (grants: Grants) => void
  readonly award: (key: BidKey, award: AwardFields) => void
  readonly cleared: (figures: RoundFigures) => void
  readonly failed: (error: unknown) => void
}

/** A new auctioneer closes its first round after this share of one: bids and capacities it has heard of already. */
const FIRST_ROUND = 0.25

/** Closes rounds, clears them, tells servers what to grant and losers why they lost. */
export class Auctioneer {
  readonly #options: AuctioneerOptions
  #term: Term | undefined
  #round = 0
  #closesMs = 0
  #clearing = false

  constructor(options: AuctioneerOptions) {
    this.#options = options
  }

  /** The last round of the term that was closed; 0: none. */
  get round(): number {
    return this.#round
  }

  /** Rounds are counted anew in each term, but go on when the same term is taken up again. */
  takeOffice(term: Term, nowMs: number): void {
    if (this.#term === undefined || compareTerms(term, this.#term) !== 0) this.#round = 0
    this.#term = term
    this.#closesMs = nowMs + FIRST_ROUND * this.#options.roundMs
  }

  /** Closes the round when it is time; not before the one before it is cleared. */
  tick(nowMs: number): void {
    if (this.#clearing || this.#term === undefined || nowMs < this.#closesMs) return
    const { roundMs } = this.#options
    const late = nowMs - this.#closesMs
    this.#closesMs = late < roundMs ? this.#closesMs + roundMs : nowMs + roundMs
    this.#clearing = true
    this.#close(this.#term, ++this.#round, nowMs)
      .catch(this.#options.failed)
      .finally(() => {
        this.#clearing = false
      })
  }

  async #close(term: Term, round: number, nowMs: number): Promise<void> {
    const { book, board, clear, leads, clock, cleared: report, roundMs } = this.#options
    const { bids, expired } = book.close(nowMs)
    for (const sealed of expired) this.#lose(sealed, 'expired', term, round)
    const resources = board.resources(nowMs)
    const byName = new Map(bids.map((sealed) => [requestName(sealed), sealed]))
    let outcome: Cleared = { winners: [], losers: [], value: 0 }
    if (bids.length > 0 && resources.length > 0) {
      outcome = await clear({ requests: bids.map(requestOf), resources })
      // Another auctioneer has the same bids and may be clearing them now.
      if (!leads(term)) return
    }
    const orders = new Map<string, Grant[]>()
    let revenue = 0
    for (const { request, resource, payment } of outcome.winners) {
      const sealed = byName.get(request)
      if (sealed === undefined) continue
      byName.delete(request)
      const { device, boot, id, bid } = sealed
      // The server answers; in case that it cannot, the bid takes part again.
      sealed.askedUntilMs = nowMs + 1.5 * roundMs
      const grants = orders.get(resource) ?? []
      orders.set(resource, grants)
      grants.push({ device, boot, bid: id, nonce: bid.nonce, demand: bid.demand, payment })
      board.spend(resource, bid.demand)
      revenue += payment
    }
    this.#order(orders, term, round)
    const winners = bids.length - byName.size
    for (const { request, reason, detail } of outcome.losers) {
      const sealed = byName.get(request)
      if (sealed) this.#lose(sealed, reason, term, round, detail)
      byName.delete(request)
    }
    const reason = resources.length === 0 ? 'no-server' : 'outbid'
    for (const sealed of byName.values()) this.#lose(sealed, reason, term, round)
    report({
      term,
      round,
      bids: bids.length,
      winners,
      value: outcome.value,
      revenue,
      isFallback: outcome.isFallback ?? false,
      tookMs: clock() - nowMs,
    })
  }

  #order(orders: ReadonlyMap<string, readonly Grant[]>, { number: term }: Term, round: number): void {
    for (const [server, grants] of orders) {
      for (let part = 0; part * MAX_GRANTS < grants.length; part++) {
        const some = grants.slice(part * MAX_GRANTS, (part + 1) * MAX_GRANTS)
        this.#options.grant({ kind: 'grants', server, term, round, part, grants: some })
      }
    }
  }

  #lose(sealed: SealedBid, reason: BidReason, { number: term }: Term, round: number, detail = ''): void {
    const { award, roundMs, book, clock } = this.#options
    const lost = lostTo(sealed, sealed.bid.nonce, reason, { detail, term, round, retryAfterMs: roundMs })
    book.settle(sealed, sealed.bid.nonce, lost, clock())
    award(sealed, lost)
  }
}

const requestName = ({ device, boot, id }: BidKey): string => `${device}/${boot}/${id}`

function requestOf(sealed: SealedBid): Request {
  const { device, bid } = sealed
  const { demand, price, priority, reliability, availability, latencyMs, x, y, resourceKind } = bid
  return {
    id: requestName(sealed),
    requester: device,
    demand,
    bid: price,
    priority,
    needs: { reliability, availability, latencyMs: latencyMs === 0 ? Number.MAX_VALUE : latencyMs },
    place: { x, y },
    ...(resourceKind === '' ? {} : { kind: resourceKind }),
  }
}
