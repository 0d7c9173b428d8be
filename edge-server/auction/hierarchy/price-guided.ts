import { greedyAllocation } from '../allocation/greedy.ts'
import { demandAt, type Packing } from '../allocation/packing.ts'
import type { Allocation, Candidates } from '../candidates.ts'

/**
 * Greedy by what a match is worth beyond the price of what it takes, so that a large request must be worth as much as the small
 * ones that it keeps out. At prices of 0 it is plain greedy.
 */
export function priceGuidedAllocation(
  candidates: Candidates,
  packing: Packing,
  prices: Float64Array,
): Allocation {
  const { starts, resources, utility } = candidates
  const { kinds, demand } = packing
  const surplus = utility.slice()
  for (let request = 0; request + 1 < starts.length; request++) {
    for (let pair = starts[request]!; pair < starts[request + 1]!; pair++) {
      const wants = demandAt(packing, request, pair)
      const offers = resources[pair]! * kinds
      for (let kind = 0; kind < kinds; kind++) {
        surplus[pair]! -= prices[offers + kind]! * demand[wants + kind]!
      }
    }
  }
  const { resource } = greedyAllocation({ starts, resources, utility: surplus }, packing)
  let value = 0
  for (let request = 0; request < resource.length; request++) {
    if (resource[request]! >= 0) value += utilityOfPair(candidates, request, resource[request]!)
  }
  return { resource, value }
}

/** What a pair of the candidates is worth; 0 for one that is not there. */
export function utilityOfPair(
  { starts, resources, utility }: Candidates,
  request: number,
  resource: number,
): number {
  for (let pair = starts[request]!; pair < starts[request + 1]!; pair++) {
    if (resources[pair] === resource) return utility[pair]!
  }
  return 0
}
