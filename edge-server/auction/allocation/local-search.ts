import { type Random, seededRandom } from '@isthmus/models/data'
import type { Allocation, Candidates } from '../candidates.ts'
import type { Market } from '../market.ts'
import { pairOf } from './assignment.ts'
import { EjectionChains } from './ejection-chains.ts'
import { greedyAllocation } from './greedy.ts'
import { asPacking, type Packing } from './packing.ts'

export interface LocalSearchOptions {
  /** Pairs that may be looked at before the search ends. Default: 5 for each pair of the round, and 2 million at least. */
  readonly evaluations?: number
  /** Where the search starts. Default: {@link greedyAllocation}. The result is never worth less. */
  readonly start?: Allocation
  /** Source of the kicks that get the search out of dead ends. Default: seed 1. */
  readonly random?: Random
  /** Kicks without gain after which it ends. Default 400. 0: no kick. */
  readonly patience?: number
}

/**
 * Improves an allocation: requests move to better resources, swap, or push others out, which find another place or push
 * on (ejection chains). When no chain helps any more, a few requests are put at random places and the search goes on from
 * there; what did not help is taken back.
 *
 * Not monotone in bids: a rule of payment that needs monotone winning takes {@link greedyAllocation}.
 */
export function localSearch(
  candidates: Candidates,
  market: Market | Packing,
  options: LocalSearchOptions = {},
): Allocation & { readonly evaluations: number } {
  const packing = asPacking(market)
  const { starts, resources, utility } = candidates
  const requests = starts.length - 1
  const {
    evaluations = Math.max(2_000_000, 5 * utility.length),
    start = greedyAllocation(candidates, packing),
    random = seededRandom(1),
    patience = 400,
  } = options
  const chains = new EjectionChains(candidates, packing, evaluations)
  for (let request = 0; request < requests; request++) {
    if (start.resource[request]! >= 0) {
      chains.put(request, pairOf(candidates, request, start.resource[request]!))
    }
  }
  const everyone = Uint32Array.from({ length: requests }, (_, request) => request)
  chains.refill(Uint32Array.from({ length: packing.resources }, (_, resource) => resource))
  chains.improve(everyone)
  let best = chains.snapshot()
  // A sweep costs as much as the round is large: kicks pay only where many fit into the budget.
  for (let idle = 0; idle < patience && requests > 0 && !chains.isSpent; ) {
    const count = 1 + random.below(Math.min(4, requests))
    for (let k = 0; k < count; k++) {
      const request = random.below(requests)
      const pairs = starts[request + 1]! - starts[request]!
      if (pairs > 0) chains.force(request, starts[request]! + random.below(pairs))
    }
    chains.improve(chains.takeTouched())
    if (chains.value > best.value + 1e-9) {
      idle = 0
      best = chains.snapshot()
    } else {
      idle++
      if (chains.value < best.value - 1e-9) chains.restore(best)
    }
  }
  const resource = new Int32Array(requests).fill(-1)
  let value = 0
  for (let request = 0; request < requests; request++) {
    const pair = best.pair[request]!
    if (pair < 0) continue
    resource[request] = resources[pair]!
    value += utility[pair]!
  }
  return { resource, value, evaluations: chains.evaluations }
}
