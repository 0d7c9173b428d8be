import { pairOf } from '../allocation/assignment.ts'
import type { Allocation, Candidates } from '../candidates.ts'
import type { Market } from '../market.ts'

/** (Σx)² / (n Σx²), after Jain, Chiu and Hawe 1984: 1 when all have the same, 1/n when one has all. Nobody has anything: 1. */
export function jainIndex(shares: Iterable<number>): number {
  let [count, sum, squares] = [0, 0, 0]
  for (const share of shares) {
    count++
    sum += share
    squares += share * share
  }
  return squares === 0 ? 1 : (sum * sum) / (count * squares)
}

/** How evenly an allocation shares out its utility, among whom. */
export interface JainIndices {
  /** Over all requests of the round: what the published work defines. */
  readonly requests: number
  /** Over all requesters of the round, each with the sum of its requests' utilities. */
  readonly requesters: number
  /** Over the requests that won: what the published work reports. Says nothing of those who got nothing. */
  readonly winners: number
}

export function jainIndices(market: Market, candidates: Candidates, { resource }: Allocation): JainIndices {
  const shares = new Float64Array(resource.length)
  const byRequester = new Map<string, number>()
  for (const [at, { requester }] of market.requests.entries()) {
    if (resource[at]! >= 0) shares[at] = candidates.utility[pairOf(candidates, at, resource[at]!)]!
    byRequester.set(requester, (byRequester.get(requester) ?? 0) + shares[at]!)
  }
  return {
    requests: jainIndex(shares),
    requesters: jainIndex(byRequester.values()),
    winners: jainIndex(shares.filter((_, at) => resource[at]! >= 0)),
  }
}
