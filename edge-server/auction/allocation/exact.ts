import { Worker } from 'node:worker_threads'
import type { Allocation, Candidates } from '../candidates.ts'
import { FIT_TOLERANCE } from '../filters.ts'
import type { Market } from '../market.ts'
import { optimalAssignment } from './assignment.ts'
import { solveBySearch } from './branch-and-bound.ts'
import type { ExactWork } from './exact-worker.ts'
import { localSearch } from './local-search.ts'
import type { MixedIntegerResult } from './mixed-integer.ts'
import { asPacking, demandAt, type Packing, Room } from './packing.ts'
import { upperBound } from './upper-bound.ts'

export interface ExactOptions {
  /** What the solver may take. Default 10,000. */
  readonly timeLimitMs?: number
  /** Markets with more pairs are not given to the solver. Default 100,000. */
  readonly mostPairs?: number
}

/** An allocation with what is proved of it. */
export interface BoundedAllocation extends Allocation {
  /** No allocation is worth more. */
  readonly upperBound: number
  /** (upperBound - value) / upperBound, 0 where nothing can be gained. */
  readonly gap: number
}

export interface ExactAllocation extends BoundedAllocation {
  /** Whether it is proved that none is better. */
  readonly isExact: boolean
  /** Why it is not exact. */
  readonly fallback?: 'time limit' | 'too large' | 'solver failed'
}

/**
 * The best allocation: as an assignment where no resource holds two requests, by search where the round is small, else by
 * HiGHS in a thread of its own. When
 * that takes too long or the market is too large, the better of what it had and {@link localSearch} found, and `fallback`
 * says so.
 */
export async function exactAllocation(
  candidates: Candidates,
  market: Market | Packing,
  { timeLimitMs = 10_000, mostPairs = 100_000 }: ExactOptions = {},
): Promise<ExactAllocation> {
  const packing = asPacking(market)
  if (holdsOneEach(candidates, packing)) {
    return { ...bounded(optimalAssignment(candidates, packing.resources), 0), isExact: true }
  }
  const searched = solveBySearch(candidates, packing)
  if (searched !== null) return { ...bounded(searched, 0), isExact: true }
  const start = localSearch(candidates, packing)
  const fallback = (why: ExactAllocation['fallback']): ExactAllocation => ({
    ...bounded(start, upperBound(candidates, packing, { value: start.value }).bound),
    isExact: false,
    fallback: why!,
  })
  if (candidates.utility.length > mostPairs) return fallback('too large')
  const found = await solveInThread({ candidates, packing, timeLimitMs, start: start.resource })
  if (found === null) return fallback('solver failed')
  if (found === 'late') return fallback('time limit')
  const solved = allocationOf(candidates, packing, found)
  if (solved === null) return fallback('solver failed')
  if (found.isOptimal) return { ...bounded(solved, 0), isExact: true }
  const better = solved.value > start.value ? solved : start
  const own = upperBound(candidates, packing, { value: better.value }).bound
  return { ...bounded(better, Math.min(own, found.bound)), isExact: false, fallback: 'time limit' }
}

/** An allocation beside a bound, which it proves itself where it reaches further. */
export function bounded({ resource, value }: Allocation, bound: number): BoundedAllocation {
  const upper = Math.max(value, bound)
  return { resource, value, upperBound: upper, gap: upper > 0 ? (upper - value) / upper : 0 }
}

/** Whether no resource has room for two of its candidates, nor for one of its candidates not at all. */
export function holdsOneEach({ starts, resources }: Candidates, packing: Packing): boolean {
  const { kinds, demand, capacity } = packing
  const least = new Float64Array(capacity.length).fill(Number.POSITIVE_INFINITY)
  for (let request = 0; request + 1 < starts.length; request++) {
    for (let pair = starts[request]!; pair < starts[request + 1]!; pair++) {
      const from = demandAt(packing, request, pair)
      const to = resources[pair]! * kinds
      for (let kind = 0; kind < kinds; kind++) {
        least[to + kind] = Math.min(least[to + kind]!, demand[from + kind]!)
      }
    }
  }
  for (let resource = 0; resource < packing.resources; resource++) {
    let isFull = false
    for (let at = resource * kinds; at < (resource + 1) * kinds; at++) {
      if (2 * least[at]! > capacity[at]! * (1 + FIT_TOLERANCE)) isFull = true
    }
    if (!isFull) return false
  }
  return true
}

/** What the solver chose, checked: null when it does not fit. */
function allocationOf(
  { resources, utility }: Candidates,
  packing: Packing,
  { pair }: MixedIntegerResult,
): Allocation | null {
  const room = new Room(packing)
  const resource = new Int32Array(pair.length).fill(-1)
  let value = 0
  for (const [request, chosen] of pair.entries()) {
    if (chosen < 0) continue
    if (!room.fits(request, resources[chosen]!, chosen)) return null
    room.take(request, resources[chosen]!, chosen)
    resource[request] = resources[chosen]!
    value += utility[chosen]!
  }
  return { resource, value }
}

/** Longer than its limit a solver is not waited for. */
const GRACE_MS = 2000

function solveInThread(work: ExactWork): Promise<MixedIntegerResult | 'late' | null> {
  return new Promise((resolve) => {
    const thread = new Worker(new URL('./exact-worker.js', import.meta.url), { workerData: work })
    const late = setTimeout(() => end('late'), work.timeLimitMs + GRACE_MS)
    const end = (result: MixedIntegerResult | 'late' | null) => {
      clearTimeout(late)
      resolve(result)
      void thread.terminate()
    }
    thread.once('message', end)
    thread.once('error', () => end(null))
    thread.once('exit', () => end(null))
  })
}
