import { type Packing, type PackingOptions, packingOf, Room } from '../allocation/packing.ts'
import type { Candidates } from '../candidates.ts'
import { type CandidateOptions, siftMarket } from '../candidates-of.ts'
import type { RequestRefusal } from '../filters.ts'
import type { Market } from '../market.ts'
import { matchScorer, runningCost, sizeOf } from '../terms.ts'
import type { Weights } from '../weights.ts'
import { type Payments, paymentsOf } from './payments.ts'

/** Pairs that are ranked by what is bid. */
export interface BidRanking {
  /** The pairs that some bid could win; their utility is not looked at. */
  readonly candidates: Candidates
  readonly packing: Packing
  /** [requests]. */
  readonly bids: Float64Array
  /**
   * The rank of a pair at a bid: never falls when the bid rises. -Infinity: the bid is too low for the pair. Reads no other
   * bid.
   */
  readonly rank: (request: number, pair: number, bid: number) => number
}

export interface CriticalAllocation extends Payments {
  /** [requests]: place of the resource, or -1. */
  readonly resource: Int32Array
}

/**
 * Greedy by rank, with critical values (Myerson 1981; Lehmann, O'Callaghan and Shoham 2002): each winner pays the lowest bid
 * with which it would still have won, the others' bids being what they are. A requester whose worth is one number, the same
 * at each resource that passes its filters, can gain nothing by bidding anything else. Demands are taken as true: they are
 * what is granted.
 */
export function criticalPayments(ranking: BidRanking): CriticalAllocation {
  const { packing, bids } = ranking
  const { candidates, sources } = rankedPairs(ranking)
  const { resources, utility } = candidates
  const requestOf = requestsOf(candidates)
  const order = Uint32Array.from(resources.keys()).sort((a, b) => utility[b]! - utility[a]! || a - b)
  const resource = new Int32Array(bids.length).fill(-1)
  const payment = new Float64Array(bids.length)
  const isServed = new Uint8Array(bids.length)
  const room = new Room(packing)
  const rivals = new Rivalry(candidates, requestOf, order, packing)
  for (const [at, pair] of order.entries()) {
    const request = requestOf[pair]!
    if (isServed[request] === 1 || !room.fits(request, resources[pair]!, pair)) continue
    const hurdles = rivals.hurdles(request, at, room, isServed)
    payment[request] = lowestWinning(bids[request]!, (bid) =>
      hurdles.some(({ pair, score, rival }) => {
        const rank = ranking.rank(request, sources[pair]!, bid)
        return rank > score || (rank === score && rank > Number.NEGATIVE_INFINITY && request < rival)
      }),
    )
    room.take(request, resources[pair]!, pair)
    resource[request] = resources[pair]!
    isServed[request] = 1
  }
  return { resource, ...paymentsOf(payment) }
}

/** What a pair has to outrank to be taken: the rival whose win leaves no room for it. */
interface Hurdle {
  readonly pair: number
  readonly score: number
  readonly rival: number
}

/** Plays the rest of a round without one of its requests. */
class Rivalry {
  readonly #candidates: Candidates
  readonly #requestOf: Uint32Array
  readonly #order: Uint32Array
  readonly #room: Room
  readonly #isServed: Uint8Array

  constructor(candidates: Candidates, requestOf: Uint32Array, order: Uint32Array, packing: Packing) {
    this.#candidates = candidates
    this.#requestOf = requestOf
    this.#order = order
    this.#room = new Room(packing)
    this.#isServed = new Uint8Array(packing.requests)
  }

  /**
   * The hurdles of a request that is about to win. Up to here the round is as it would be without it; pairs that have no
   * room for it by now could not win with a lower bid either.
   */
  hurdles(request: number, from: number, room: Room, isServed: Uint8Array): Hurdle[] {
    const { starts, resources, utility } = this.#candidates
    this.#room.copy(room)
    this.#isServed.set(isServed)
    this.#isServed[request] = 1
    const open = new Map<number, number>()
    for (let pair = starts[request]!; pair < starts[request + 1]!; pair++) {
      if (room.fits(request, resources[pair]!, pair)) open.set(resources[pair]!, pair)
    }
    const hurdles: Hurdle[] = []
    for (let at = from + 1; at < this.#order.length && open.size > 0; at++) {
      const pair = this.#order[at]!
      const rival = this.#requestOf[pair]!
      const taken = resources[pair]!
      if (this.#isServed[rival] === 1 || !this.#room.fits(rival, taken, pair)) continue
      this.#isServed[rival] = 1
      this.#room.take(rival, taken, pair)
      const own = open.get(taken)
      if (own === undefined || this.#room.fits(request, taken, own)) continue
      open.delete(taken)
      hurdles.push({ pair: own, score: utility[pair]!, rival })
    }
    for (const pair of open.values()) {
      hurdles.push({ pair, score: Number.NEGATIVE_INFINITY, rival: Number.POSITIVE_INFINITY })
    }
    return hurdles
  }
}

/** [pairs]: the request of each. */
function requestsOf({ starts, resources }: Candidates): Uint32Array {
  const requestOf = new Uint32Array(resources.length)
  for (let request = 0; request + 1 < starts.length; request++) {
    requestOf.fill(request, starts[request], starts[request + 1])
  }
  return requestOf
}

/** The lowest number up to `bid` that wins, to the last bit, where winning is monotone and `bid` wins. */
function lowestWinning(bid: number, wins: (bid: number) => boolean): number {
  if (wins(0)) return 0
  let [loses, enough] = [0, bid]
  for (;;) {
    const middle = loses + (enough - loses) / 2
    if (middle <= loses || middle >= enough) return enough
    if (wins(middle)) enough = middle
    else loses = middle
  }
}

/** The pairs that the bids reach, with their ranks, and where each comes from. */
function rankedPairs({ candidates, bids, rank }: BidRanking): {
  readonly candidates: Candidates
  readonly sources: Uint32Array
} {
  const { starts, resources } = candidates
  const kept = new Uint32Array(starts.length)
  const sources = new Uint32Array(resources.length)
  const ranks = new Float64Array(resources.length)
  let pairs = 0
  for (let request = 0; request + 1 < starts.length; request++) {
    kept[request] = pairs
    for (let pair = starts[request]!; pair < starts[request + 1]!; pair++) {
      const score = rank(request, pair, bids[request]!)
      if (score === Number.NEGATIVE_INFINITY) continue
      sources[pairs] = pair
      ranks[pairs++] = score
    }
  }
  kept[starts.length - 1] = pairs
  const from = sources.slice(0, pairs)
  return {
    candidates: {
      starts: kept,
      resources: from.map((pair) => resources[pair]!),
      utility: ranks.slice(0, pairs),
    },
    sources: from,
  }
}

/** What the greedy goes by. Each never falls when the bid rises. */
export type RankRule =
  /** The utility: what {@link greedyAllocation} goes by. For requests of about the same size. */
  | 'utility'
  /** Utility over size: good for the sum of the utilities where requests differ in size. */
  | 'utility per size'
  /** Bid over the root of the size: good for the sum of the bids there. */
  | 'bid per root of size'

/** Ranks the pairs of a market; a bid below the running cost reaches none. */
export function rankingOf(
  market: Market,
  weights: Weights,
  options: CandidateOptions & PackingOptions = {},
  rule: RankRule = 'utility',
): BidRanking & { readonly refusals: readonly (RequestRefusal | null)[] } {
  const { requests, resources } = market
  const { candidates, refusals } = siftMarket(market, weights, { ...options, budget: false })
  const score = matchScorer(weights, options)
  const packing = packingOf(market, options)
  const sizes = sharesOfAll(packing)
  const rank: BidRanking['rank'] = (at, pair, bid) => {
    const request = requests[at]!
    const resource = resources[candidates.resources[pair]!]!
    if (bid < runningCost(request, resource)) return Number.NEGATIVE_INFINITY
    if (rule === 'utility') return score(request, resource, bid)
    if (rule === 'utility per size') return score(request, resource, bid) / sizes[at]!
    return bid / Math.sqrt(sizeOf(request.demand) || 1)
  }
  const bids = Float64Array.from(requests, ({ bid }) => bid)
  return { candidates, packing, bids, rank, refusals }
}

/** [requests]: what each takes of all there is, as the sum of its shares of each kind. */
function sharesOfAll({ requests, kinds, capacity, demand }: Packing): Float64Array {
  const total = new Float64Array(kinds)
  for (const [at, amount] of capacity.entries()) total[at % kinds]! += amount
  return Float64Array.from({ length: requests }, (_, request) => {
    let share = 0
    for (let kind = 0; kind < kinds; kind++) {
      if (total[kind]! > 0) share += demand[request * kinds + kind]! / total[kind]!
    }
    return share > 0 ? share : 1
  })
}
