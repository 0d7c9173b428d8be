import { edgeError } from '../../errors.ts'
import { pairOf } from '../allocation/assignment.ts'
import { type ExactAllocation, exactAllocation } from '../allocation/exact.ts'
import type { Packing } from '../allocation/packing.ts'
import type { Candidates } from '../candidates.ts'
import { type CandidateOptions, siftMarket } from '../candidates-of.ts'
import type { RequestRefusal } from '../filters.ts'
import type { Market } from '../market.ts'
import { bonusOf, runningCost } from '../terms.ts'
import { normalisedWeights, type Weights } from '../weights.ts'
import { type Payments, paymentsOf } from './payments.ts'

/** Pairs worth a sum of money to everybody together, part of which is what the requester says it gains. */
export interface Welfare {
  /** The utility of a pair is its welfare: what the requester gains, less the cost, plus what it brings otherwise. */
  readonly candidates: Candidates
  /** [pairs]: the requester's own gain, as bid. */
  readonly own: Float64Array
}

/** Finds best allocations. */
export type ExactSolver = (
  candidates: Candidates,
  packing: Packing,
) => ExactAllocation | Promise<ExactAllocation>

/**
 * Payments after Vickrey, Clarke and Groves: each winner pays what the others, and what is not bid for, would have together
 * if it bid nothing, less what they have now. With the best allocation no bid but the true one is ever better. Throws
 * `NOT_EXACT` for an allocation that is not proved to be best: then the payments would reward lies.
 *
 * @param solve finds the best allocation without a bid. Default: {@link exactAllocation}
 */
export async function vcgPayments(
  welfare: Welfare,
  packing: Packing,
  allocation: ExactAllocation,
  solve: ExactSolver = exactAllocation,
): Promise<Payments> {
  if (!allocation.isExact) {
    throw edgeError('NOT_EXACT', 'VCG payments need an allocation that is proved to be best')
  }
  const { candidates, own } = welfare
  const payment = new Float64Array(allocation.resource.length)
  for (let request = 0; request < payment.length; request++) {
    if (allocation.resource[request]! < 0) continue
    const gain = own[pairOf(candidates, request, allocation.resource[request]!)]!
    const without = await solve(withoutBid(welfare, request), packing)
    if (!without.isExact) throw edgeError('NOT_EXACT', 'The market without one of its bids was not solved')
    // Rounding may miss 0 or the bid by a little.
    payment[request] = Math.min(gain, Math.max(0, without.value - (allocation.value - gain)))
  }
  return paymentsOf(payment)
}

/** The same with a bid of 0 from one request. */
function withoutBid({ candidates, own }: Welfare, request: number): Candidates {
  const utility = candidates.utility.slice()
  for (let pair = candidates.starts[request]!; pair < candidates.starts[request + 1]!; pair++) {
    utility[pair]! -= own[pair]!
  }
  return { ...candidates, utility }
}

/**
 * The welfare of a market's pairs: bid less running cost, plus what nearness, dependability, energy and fairness are worth
 * to the operator. Pairs of a welfare below 0 stay in the list and are never taken.
 *
 * @param bonusWorth money for a full score in all terms but the cost. Default 0
 */
export function welfareOf(
  market: Market,
  weights: Weights,
  options: CandidateOptions = {},
  bonusWorth = 0,
): Welfare & { readonly refusals: readonly (RequestRefusal | null)[] } {
  const { candidates, refusals } = siftMarket(market, weights, { ...options, budget: false })
  const { starts, resources } = candidates
  const share = normalisedWeights(weights)
  const utility = new Float64Array(resources.length)
  const own = new Float64Array(resources.length)
  for (const [at, request] of market.requests.entries()) {
    for (let pair = starts[at]!; pair < starts[at + 1]!; pair++) {
      const resource = market.resources[resources[pair]!]!
      const bonus = bonusWorth === 0 ? 0 : bonusWorth * bonusOf(request, resource, share, options)
      own[pair] = request.bid
      utility[pair] = request.bid - runningCost(request, resource) + bonus
    }
  }
  return { candidates: { starts, resources, utility }, own, refusals }
}
