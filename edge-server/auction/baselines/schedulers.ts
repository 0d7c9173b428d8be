import { demandAt, type Packing } from '../allocation/packing.ts'
import type { Candidates } from '../candidates.ts'
import type { Placement } from './ordered.ts'

/** Shares of a resource that would be in use with the request on it, by kind; a kind it does not have counts as free. */
function* usedShares(
  { resources }: Candidates,
  packing: Packing,
  request: number,
  pair: number,
  left: Float64Array,
): Generator<number> {
  const { kinds, capacity, demand } = packing
  const from = demandAt(packing, request, pair)
  for (let kind = 0; kind < kinds; kind++) {
    const all = capacity[resources[pair]! * kinds + kind]!
    yield all > 0 ? Math.min(1, Math.max(0, 1 - (left[kind]! - demand[from + kind]!) / all)) : 0
  }
}

/** Kubernetes' LeastAllocated: the mean share that stays free, of 100, each kind of equal weight. */
export const leastAllocated =
  (candidates: Candidates, packing: Packing): Placement =>
  (request, pair, room) => {
    let free = 0
    const left = room.left(candidates.resources[pair]!)
    for (const used of usedShares(candidates, packing, request, pair, left)) free += 1 - used
    return packing.kinds === 0 ? 0 : (100 * free) / packing.kinds
  }

/** Kubernetes' MostAllocated: the mean share in use, of 100. */
export const mostAllocated =
  (candidates: Candidates, packing: Packing): Placement =>
  (request, pair, room) => {
    let use = 0
    const left = room.left(candidates.resources[pair]!)
    for (const used of usedShares(candidates, packing, request, pair, left)) use += used
    return packing.kinds === 0 ? 0 : (100 * use) / packing.kinds
  }

/**
 * Nomad's binpack: 20 less the sum of 10 to the power of what stays free, between 0 (empty) and 18 (full). Nomad looks at two
 * kinds, processor and memory; with another number the mean of the powers counts twice.
 */
export const nomadBinpack =
  (candidates: Candidates, packing: Packing): Placement =>
  (request, pair, room) => {
    const left = room.left(candidates.resources[pair]!)
    const free: number[] = []
    for (const used of usedShares(candidates, packing, request, pair, left)) free.push(1 - used)
    return nomadScore(free)
  }

/** @param free shares that stay free, 0 … 1, one of each kind */
export function nomadScore(free: readonly number[]): number {
  if (free.length === 0) return 0
  const powers = free.reduce((sum, share) => sum + 10 ** share, 0) * (2 / free.length)
  return Math.min(18, Math.max(0, 20 - powers))
}
