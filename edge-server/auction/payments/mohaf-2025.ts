import { pairOf } from '../allocation/assignment.ts'
import type { Allocation, Candidates } from '../candidates.ts'
import { candidatesOf } from '../candidates-of.ts'
import type { Market, Request, Resource } from '../market.ts'
import { costTerm, distanceKm, runningCost, sizeOf } from '../terms.ts'
import { defaultWeights, normalisedWeights, type Weights } from '../weights.ts'
import { type Payments, paymentsOf } from './payments.ts'

/** The weights with which MOHAF's Table 1 was run; its text names others. */
export const mohaf2025Weights: Weights = { cost: 0.3, qos: 0.3, energy: 0.2, fair: 0.2 }

/**
 * The utility as MOHAF's program computed it, for comparison with its published figures only: the part for quality of
 * service goes up to 1.5, so that it may be more than 1.
 */
export function mohaf2025Utility(
  request: Request,
  resource: Resource,
  weights: Weights = mohaf2025Weights,
): number {
  const { cost, qos, energy, fair } = normalisedWeights(weights)
  const near = Math.max(0, 1 - distanceKm(request.place, resource.place) / 200)
  return (
    cost * costTerm(request.bid, runningCost(request, resource)) +
    qos * (0.5 * (resource.reliability + resource.availability) + 0.5 * near) +
    energy * resource.energy +
    fair * request.priority
  )
}

/** The pairs of a market with that utility; requests for nothing take part, as they did. */
export function mohaf2025Candidates(market: Market, weights: Weights = mohaf2025Weights): Candidates {
  const { starts, resources, utility } = candidatesOf(market, defaultWeights, { zeroDemand: 'admit' })
  for (const [at, request] of market.requests.entries()) {
    for (let pair = starts[at]!; pair < starts[at + 1]!; pair++) {
      utility[pair] = mohaf2025Utility(request, market.resources[resources[pair]!]!, weights)
    }
  }
  return { starts, resources, utility }
}

export interface Mohaf2025Payments extends Payments {
  /** The revenue as it was published: each payment times the demand, which the payment holds already. */
  readonly legacyRevenue: number
}

/**
 * MOHAF's payments: price of the resource × demand × (0.8 + 0.4 × utility), at most the bid. **Not truthful**: whoever bids
 * less has a lower utility and pays less, and often wins all the same. For comparison.
 *
 * @param unitPrices [resources]. Default: the running cost × 0.992, the factor at which the published program stood still
 */
export function mohaf2025Payments(
  market: Market,
  candidates: Candidates,
  { resource }: Allocation,
  unitPrices: ArrayLike<number> = market.resources.map(({ unitCost }) => unitCost * 0.992),
): Mohaf2025Payments {
  let legacyRevenue = 0
  const payment = Float64Array.from(market.requests, (request, at) => {
    const place = resource[at]!
    if (place < 0) return 0
    const utility = candidates.utility[pairOf(candidates, at, place)]!
    const size = sizeOf(request.demand)
    const price = Math.min(unitPrices[place]! * size * (0.8 + 0.4 * utility), request.bid)
    legacyRevenue += price * size
    return price
  })
  return { ...paymentsOf(payment), legacyRevenue }
}
