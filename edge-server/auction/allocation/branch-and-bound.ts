import type { Allocation, Candidates } from '../candidates.ts'
import { type Packing, Room } from './packing.ts'

/**
 * The best allocation of a small round by trying all that could be better than the best so far, on the spot; null: not
 * done within so many steps.
 */
export function solveBySearch(
  { starts, resources, utility }: Candidates,
  packing: Packing,
  steps = 20_000,
): Allocation | null {
  const requests = starts.length - 1
  const room = new Room(packing)
  const resource = new Int32Array(requests).fill(-1)
  let best = resource.slice()
  let most = 0
  const ranked = Array.from({ length: requests }, (_, request) =>
    Array.from({ length: starts[request + 1]! - starts[request]! }, (_, k) => starts[request]! + k)
      .filter((pair) => utility[pair]! > 0)
      .sort((a, b) => utility[b]! - utility[a]! || a - b),
  )
  /** What the requests from one on could bring at most. */
  const hope = new Float64Array(requests + 1)
  for (let request = requests - 1; request >= 0; request--) {
    const favourite = ranked[request]![0]
    hope[request] = hope[request + 1]! + (favourite === undefined ? 0 : utility[favourite]!)
  }
  let left = steps
  const visit = (request: number, value: number): void => {
    if (value > most) {
      most = value
      best = resource.slice()
    }
    if (request === requests || value + hope[request]! <= most || --left < 0) return
    for (const pair of ranked[request]!) {
      if (!room.fits(request, resources[pair]!, pair)) continue
      room.take(request, resources[pair]!, pair)
      resource[request] = resources[pair]!
      visit(request + 1, value + utility[pair]!)
      room.giveBack(request, resources[pair]!, pair)
      resource[request] = -1
    }
    visit(request + 1, value)
  }
  if (requests > MOST_REQUESTS) return null
  visit(0, 0)
  return left < 0 ? null : { resource: best, value: most }
}

/** A search goes one call deeper for each request. */
const MOST_REQUESTS = 64
