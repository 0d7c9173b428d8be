import { demandAt, type Packing, Room } from '../allocation/packing.ts'
import type { Allocation, Candidates } from '../candidates.ts'
import type { Market } from '../market.ts'
import { bestPlace } from './ordered.ts'

export interface DrfAllocation extends Allocation {
  /** By requester: its largest share of all there is of any one kind. */
  readonly dominantShares: ReadonlyMap<string, number>
}

/**
 * Dominant resource fairness (Ghodsi et al. 2011): the requester whose dominant share is smallest is next and gets its next
 * request served, at the place where it is worth most. A requester none of whose requests fits any more drops out.
 */
export function drfAllocation(market: Market, candidates: Candidates, packing: Packing): DrfAllocation {
  const { starts, resources, utility } = candidates
  const { kinds, capacity, demand } = packing
  const total = new Float64Array(kinds)
  for (const [at, amount] of capacity.entries()) total[at % kinds]! += amount
  const waiting = new Map<string, number[]>()
  for (const [at, { requester }] of market.requests.entries()) {
    if (starts[at] === starts[at + 1]) continue
    const list = waiting.get(requester)
    if (list === undefined) waiting.set(requester, [at])
    else list.push(at)
  }
  const queue = [...waiting.entries()].map(([name, requests]) => ({
    name,
    requests: requests.reverse(),
    used: new Float64Array(kinds),
    share: 0,
  }))
  const room = new Room(packing)
  const resource = new Int32Array(starts.length - 1).fill(-1)
  const dominantShares = new Map(market.requests.map(({ requester }) => [requester, 0]))
  let value = 0
  while (queue.length > 0) {
    let next = 0
    for (let at = 1; at < queue.length; at++) if (queue[at]!.share < queue[next]!.share) next = at
    const turn = queue[next]!
    const request = turn.requests.pop()
    if (request === undefined) {
      queue.splice(next, 1)
      continue
    }
    const pair = bestPlace(candidates, request, room, (_, candidate) => utility[candidate]!)
    if (pair < 0) continue
    room.take(request, resources[pair]!, pair)
    resource[request] = resources[pair]!
    value += utility[pair]!
    const from = demandAt(packing, request, pair)
    for (let kind = 0; kind < kinds; kind++) {
      turn.used[kind]! += demand[from + kind]!
      if (total[kind]! > 0) turn.share = Math.max(turn.share, turn.used[kind]! / total[kind]!)
    }
    dominantShares.set(turn.name, turn.share)
  }
  return { resource, value, dominantShares }
}
