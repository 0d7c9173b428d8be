import { favourites, greedyAllocation } from '../allocation/greedy.ts'
import { type Packing, type PackingOptions, packingOf, Room } from '../allocation/packing.ts'
import type { Allocation, Candidates } from '../candidates.ts'
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

export interface CriticalAllocation extends Allocation, Payments {}

/**
 * Greedy by rank, with critical values (Myerson 1981; Lehmann, O'Callaghan and Shoham 2002): each winner pays the lowest bid
 * with which it would still have won, the others' bids being what they are. A requester whose worth is one number, the same
 * at each resource that passes its filters, can gain nothing by bidding anything else. Demands are taken as true: they are
 * what is granted.
 */
export function criticalPayments(ranking: BidRanking): CriticalAllocation {
  const { packing } = ranking
  const { candidates, sources } = rankedPairs(ranking)
  const best = favourites(candidates)
  const { resource, value } = greedyAllocation(candidates, packing, { favourites: best })
  const payment = new Float64Array(resource.length)
  for (let request = 0; request < resource.length; request++) {
    if (resource[request]! < 0) continue
    const rivals = greedyAllocation(candidates, packing, { favourites: best, without: request })
    const hurdles = hurdlesOf(request, candidates, packing, rivals)
    payment[request] = lowestWinning(ranking.bids[request]!, (bid) =>
      hurdles.some(({ pair, score, rival }) => {
        const rank = ranking.rank(request, sources[pair]!, bid)
        return rank > score || (rank === score && rank > Number.NEGATIVE_INFINITY && request < rival)
      }),
    )
  }
  return { resource, value, ...paymentsOf(payment) }
}

/** What a pair has to outrank to be taken: the rival whose win leaves no room for it. */
interface Hurdle {
  readonly pair: number
  readonly score: number
  readonly rival: number
}

function hurdlesOf(
  request: number,
  { starts, resources, utility }: Candidates,
  packing: Packing,
  rivals: { readonly order: Uint32Array; readonly resource: Int32Array; readonly pair: Int32Array },
): Hurdle[] {
  const room = new Room(packing)
  const open = new Map<number, number>()
  for (let pair = starts[request]!; pair < starts[request + 1]!; pair++) open.set(resources[pair]!, pair)
  const hurdles: Hurdle[] = []
  for (const rival of rivals.order) {
    const taken = rivals.resource[rival]!
    const pair = open.get(taken)
    if (pair === undefined) continue
    room.take(rival, taken, rivals.pair[rival]!)
    if (room.fits(request, taken, pair)) continue
    open.delete(taken)
    hurdles.push({ pair, score: utility[rivals.pair[rival]!]!, rival })
  }
  for (const pair of open.values()) {
    hurdles.push({ pair, score: Number.NEGATIVE_INFINITY, rival: Number.POSITIVE_INFINITY })
  }
  return hurdles
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

/** Which of a request's qualities the greedy goes by. */
export type RankRule =
  /** The utility: what {@link greedyAllocation} goes by. */
  | 'utility'
  /** Bid over the square root of the size: good for the sum of the bids where requests differ much in size. */
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
  const rank: BidRanking['rank'] = (at, pair, bid) => {
    const request = requests[at]!
    const resource = resources[candidates.resources[pair]!]!
    if (bid < runningCost(request, resource)) return Number.NEGATIVE_INFINITY
    if (rule === 'utility') return score(request, resource, bid)
    return bid / Math.sqrt(sizeOf(request.demand) || 1)
  }
  const bids = Float64Array.from(requests, ({ bid }) => bid)
  return { candidates, packing: packingOf(market, options), bids, rank, refusals }
}
