import type { Allocation, Candidates } from '../candidates.ts'
import type { Market } from '../market.ts'
import { asPacking, type Packing, Room } from './packing.ts'

/** An allocation and how much was looked at to find it. */
export interface GreedyAllocation extends Allocation {
  /** Pairs that were looked at. */
  readonly evaluations: number
  /** Requests that got a resource, in the order in which they got it. */
  readonly order: Uint32Array
  /** [requests]: the pair that was taken, or -1. */
  readonly pair: Int32Array
}

export interface GreedyOptions {
  /** A request that is left out, as if it were not there. */
  readonly without?: number
  /** [requests]: {@link favourites}, where one round is cleared many times. */
  readonly favourites?: Int32Array
}

/** [requests]: the best pair of each request, the first of equals; -1: it has none. */
export function favourites({ starts, utility }: Candidates): Int32Array {
  const best = new Int32Array(starts.length - 1).fill(-1)
  for (let request = 0; request < best.length; request++) {
    let found = -1
    for (let pair = starts[request]!; pair < starts[request + 1]!; pair++) {
      if (found < 0 || utility[pair]! > utility[found]!) found = pair
    }
    best[request] = found
  }
  return best
}

/**
 * Takes the best pair that still fits, again and again: by utility, then by the place of the request, then of the resource.
 * Lazily (Minoux 1978): a request's best pair is looked for anew only when its last best no longer fits, which finds the
 * same allocation as looking at every pair every time.
 *
 * Winning is monotone in the utility of a request's pairs: whoever wins also wins with higher ones.
 */
export function greedyAllocation(
  candidates: Candidates,
  market: Market | Packing,
  options: GreedyOptions = {},
): GreedyAllocation {
  const packing = asPacking(market)
  const { starts, resources, utility } = candidates
  const requests = starts.length - 1
  const room = new Room(packing)
  const resource = new Int32Array(requests).fill(-1)
  const order = new Uint32Array(requests)
  const taken = new Int32Array(requests).fill(-1)
  /** Best pair of a request when it was last looked for. */
  const best = options.favourites?.slice() ?? favourites(candidates)
  const heap = new Int32Array(requests)
  let evaluations = options.favourites === undefined ? utility.length : 0
  let size = 0
  let value = 0
  let winners = 0

  const bestFitting = (request: number): number => {
    let found = -1
    for (let pair = starts[request]!; pair < starts[request + 1]!; pair++) {
      if (found >= 0 && utility[pair]! <= utility[found]!) continue
      if (room.fits(request, resources[pair]!, pair)) found = pair
    }
    evaluations += starts[request + 1]! - starts[request]!
    return found
  }
  const before = (a: number, b: number): boolean => {
    const difference = utility[best[a]!]! - utility[best[b]!]!
    return difference > 0 || (difference === 0 && a < b)
  }
  const sink = (from: number): void => {
    const request = heap[from]!
    let at = from
    for (let child = 2 * at + 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && before(heap[child + 1]!, heap[child]!)) child++
      if (!before(heap[child]!, request)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = request
  }

  for (let request = 0; request < requests; request++) {
    if (best[request]! >= 0 && request !== options.without) heap[size++] = request
  }
  for (let at = (size >> 1) - 1; at >= 0; at--) sink(at)
  while (size > 0) {
    const request = heap[0]!
    const pair = best[request]!
    if (room.fits(request, resources[pair]!, pair)) {
      room.take(request, resources[pair]!, pair)
      resource[request] = resources[pair]!
      taken[request] = pair
      order[winners++] = request
      value += utility[pair]!
      heap[0] = heap[--size]!
    } else {
      best[request] = bestFitting(request)
      if (best[request]! < 0) heap[0] = heap[--size]!
    }
    sink(0)
  }
  return { resource, value, evaluations, order: order.slice(0, winners), pair: taken }
}
