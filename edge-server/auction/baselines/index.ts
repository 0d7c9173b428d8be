import { type Random, shuffledIndices } from '@isthmus/models/data'
import type { Packing } from '../allocation/packing.ts'
import type { Allocation, Candidates } from '../candidates.ts'
import type { Market } from '../market.ts'
import { drfAllocation } from './drf.ts'
import { inTurn } from './ordered.ts'
import { leastAllocated, mostAllocated, nomadBinpack } from './schedulers.ts'

export { type DrfAllocation, drfAllocation } from './drf.ts'
export { inTurn, type Placement } from './ordered.ts'
export { leastAllocated, mostAllocated, nomadBinpack, nomadScore } from './schedulers.ts'

/** A way of sharing out to compare with: it chooses; what the choice is worth, the candidates' utility says. */
export type Baseline = (
  market: Market,
  candidates: Candidates,
  packing: Packing,
  random: Random,
) => Allocation

const arrivals = ({ starts }: Candidates) => Uint32Array.from({ length: starts.length - 1 }, (_, at) => at)

/** Requests by a number, largest first; of equal ones the first. */
function descending(market: Market, candidates: Candidates, by: (request: number) => number): Uint32Array {
  const keys = Float64Array.from(market.requests, (_, at) => by(at))
  return arrivals(candidates).sort((a, b) => keys[b]! - keys[a]! || a - b)
}

/** The baselines by name. Exact and DRF mode are the product's own and stand beside these in a comparison. */
export const baselines = {
  /** Requests in random order, each at a random place. */
  random: (_, candidates, packing, random) => {
    const order = shuffledIndices(candidates.starts.length - 1, random)
    return inTurn(candidates, packing, order, () => random.uniform())
  },
  /** Highest bid first, at the place where it is worth most. */
  'first price': (market, candidates, packing) => {
    const order = descending(market, candidates, (at) => market.requests[at]!.bid)
    return inTurn(candidates, packing, order, (_, pair) => candidates.utility[pair]!)
  },
  /** Highest priority first, of equal ones the higher bid, at the place where it is worth most. */
  priority: (market, candidates, packing) => {
    const order = arrivals(candidates).sort((a, b) => {
      const [first, second] = [market.requests[a]!, market.requests[b]!]
      return second.priority - first.priority || second.bid - first.bid || a - b
    })
    return inTurn(candidates, packing, order, (_, pair) => candidates.utility[pair]!)
  },
  /** As they come, each at the first place that has room. */
  fifo: (_, candidates, packing) => inTurn(candidates, packing, arrivals(candidates), () => 0),
  leastAllocated: (_, candidates, packing) =>
    inTurn(candidates, packing, arrivals(candidates), leastAllocated(candidates, packing)),
  mostAllocated: (_, candidates, packing) =>
    inTurn(candidates, packing, arrivals(candidates), mostAllocated(candidates, packing)),
  nomadBinpack: (_, candidates, packing) =>
    inTurn(candidates, packing, arrivals(candidates), nomadBinpack(candidates, packing)),
  drf: (market, candidates, packing) => drfAllocation(market, candidates, packing),
} as const satisfies Record<string, Baseline>

export type BaselineName = keyof typeof baselines
