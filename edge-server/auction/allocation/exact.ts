import { Worker } from 'node:worker_threads'
import { edgeError } from '../../errors.ts'
import type { Allocation, Candidates } from '../candidates.ts'
import { FIT_TOLERANCE } from '../filters.ts'
import type { Market } from '../market.ts'
import { optimalAssignment } from './assignment.ts'
import { solveBySearch } from './branch-and-bound.ts'
import type { ExactWork, FromExactWorker } from './exact-worker.ts'
import { asPacking, demandAt, type Packing } from './packing.ts'

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

/** Rounds up to this many pairs are so quick as assignments that a thread would cost more. */
const ON_THE_SPOT = 20_000

/**
 * The best allocation: as an assignment where no resource holds two requests, by search where the round is small, else by
 * HiGHS. Whatever takes longer than a moment runs in a thread of its own. When the solver takes too long or the market is
 * too large for it, the better of what it had and {@link localSearch} found, and `fallback` says so.
 */
export async function exactAllocation(
  candidates: Candidates,
  market: Market | Packing,
  { timeLimitMs = 10_000, mostPairs = 100_000 }: ExactOptions = {},
): Promise<ExactAllocation> {
  const packing = asPacking(market)
  if (candidates.utility.length <= ON_THE_SPOT && holdsOneEach(candidates, packing)) {
    return { ...bounded(optimalAssignment(candidates, packing.resources), 0), isExact: true }
  }
  const searched = solveBySearch(candidates, packing)
  if (searched !== null) return { ...bounded(searched, 0), isExact: true }
  return solveInThread({ candidates, packing, timeLimitMs, mostPairs })
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

/** A solver is not waited for longer than this beyond its limit, nor than twice the limit. */
const GRACE_MS = 2000

/** The last thing that the thread says; where it never got to the end, what it said before, as a fallback. */
function solveInThread(work: ExactWork): Promise<ExactAllocation> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL('./exact-worker.js', import.meta.url), { workerData: work })
    let latest: ExactAllocation | undefined
    let late: NodeJS.Timeout | undefined
    let failure: unknown
    thread.on('message', ({ allocation, isLast }: FromExactWorker) => {
      latest = allocation
      if (isLast) return void thread.terminate()
      // The heuristic has come, whatever it took; from here on the solver's time counts.
      late = setTimeout(() => {
        latest = { ...allocation, fallback: 'time limit' }
        void thread.terminate()
      }, work.timeLimitMs + Math.min(GRACE_MS, work.timeLimitMs))
    })
    thread.once('error', (error) => {
      failure = error
    })
    thread.once('exit', () => {
      clearTimeout(late)
      if (latest !== undefined) resolve(latest)
      else reject(edgeError('NO_WORKER', 'The thread that solves ended before it had anything', failure))
    })
  })
}
