import type { Candidates } from './candidates.ts'
import { type FilterOptions, pairRefusal, type RequestRefusal, requestRefusals } from './filters.ts'
import type { Market } from './market.ts'
import { matchScorer, type Scales } from './terms.ts'
import type { Weights } from './weights.ts'

export interface CandidateOptions extends FilterOptions, Scales {
  /**
   * The resources to look at for a request, by their places in the market, in rising order: for markets where all pairs
   * are too many. Default: all.
   */
  readonly shortlist?: (request: number) => ArrayLike<number>
}

/** The pairs of a round and why requests are without any. */
export interface SiftedMarket {
  readonly candidates: Candidates
  /** [requests]: null where a request has candidates. */
  readonly refusals: readonly (RequestRefusal | null)[]
}

/** Filters and scores the pairs of a market. Resources must be well-formed; malformed requests get no pair. */
export function siftMarket(market: Market, weights: Weights, options: CandidateOptions = {}): SiftedMarket {
  const { requests, resources } = market
  const score = matchScorer(weights, options)
  const refusals = requestRefusals(market, options)
  const starts = new Uint32Array(requests.length + 1)
  const everyone = Uint32Array.from(resources.keys())
  let pairs = 0
  let partners = new Uint32Array(1024)
  let utility = new Float64Array(1024)
  for (const [at, request] of requests.entries()) {
    starts[at] = pairs
    if (refusals[at] !== null) continue
    const shortlist = options.shortlist?.(at) ?? everyone
    if (pairs + shortlist.length > partners.length) {
      const length = Math.max(2 * partners.length, pairs + shortlist.length)
      partners = grown(partners, new Uint32Array(length))
      utility = grown(utility, new Float64Array(length))
    }
    for (let k = 0; k < shortlist.length; k++) {
      const resource = resources[shortlist[k]!]!
      if (pairRefusal(request, resource, options) !== null) continue
      partners[pairs] = shortlist[k]!
      utility[pairs++] = score(request, resource)
    }
    if (pairs === starts[at]) refusals[at] = 'no resource passes'
  }
  starts[requests.length] = pairs
  return {
    candidates: { starts, resources: partners.slice(0, pairs), utility: utility.slice(0, pairs) },
    refusals,
  }
}

/** The pairs of a round: those that pass the filters, scored. See {@link siftMarket} for the reasons of the others. */
export function candidatesOf(market: Market, weights: Weights, options: CandidateOptions = {}): Candidates {
  return siftMarket(market, weights, options).candidates
}

function grown<T extends Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from as never)
  return to
}
