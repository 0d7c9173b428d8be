import { type Packing, Room } from '../allocation/packing.ts'
import type { Allocation, Candidates } from '../candidates.ts'

/** How good a resource is for a request by a scheduler's own measure: the highest is taken, of equal ones the first. */
export type Placement = (request: number, pair: number, room: Room) => number

/**
 * Serves requests in an order, each at the best place that still has room. How good a place is, the placement says; what the
 * allocation is worth, only the candidates' utility.
 */
export function inTurn(
  candidates: Candidates,
  packing: Packing,
  order: Iterable<number>,
  placement: Placement,
): Allocation {
  const { starts, resources, utility } = candidates
  const room = new Room(packing)
  const resource = new Int32Array(starts.length - 1).fill(-1)
  let value = 0
  for (const request of order) {
    const pair = bestPlace(candidates, request, room, placement)
    if (pair < 0) continue
    room.take(request, resources[pair]!, pair)
    resource[request] = resources[pair]!
    value += utility[pair]!
  }
  return { resource, value }
}

export function bestPlace(
  { starts, resources }: Candidates,
  request: number,
  room: Room,
  placement: Placement,
): number {
  let best = -1
  let most = Number.NEGATIVE_INFINITY
  for (let pair = starts[request]!; pair < starts[request + 1]!; pair++) {
    if (!room.fits(request, resources[pair]!, pair)) continue
    const score = placement(request, pair, room)
    if (best < 0 || score > most) {
      best = pair
      most = score
    }
  }
  return best
}
