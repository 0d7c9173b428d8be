import { parentPort, workerData } from 'node:worker_threads'
import type { Allocation, Candidates } from '../candidates.ts'
import { optimalAssignment } from './assignment.ts'
import { bounded, type ExactAllocation, holdsOneEach } from './exact.ts'
import { localSearch } from './local-search.ts'
import { type MixedIntegerResult, solveMixedInteger } from './mixed-integer.ts'
import { type Packing, Room } from './packing.ts'
import { upperBound } from './upper-bound.ts'

// The thread in which the solver may take its time. It says what the heuristic found before it asks the solver.

export interface ExactWork {
  readonly candidates: Candidates
  readonly packing: Packing
  readonly timeLimitMs: number
  readonly mostPairs: number
}

export interface FromExactWorker {
  readonly allocation: ExactAllocation
  readonly isLast: boolean
}

const { candidates, packing, timeLimitMs, mostPairs } = workerData as ExactWork

const say = (allocation: ExactAllocation, isLast: boolean): void =>
  parentPort!.postMessage({ allocation, isLast } satisfies FromExactWorker)

if (holdsOneEach(candidates, packing)) {
  say({ ...bounded(optimalAssignment(candidates, packing.resources), 0), isExact: true }, true)
} else {
  const start = localSearch(candidates, packing)
  const { bound } = upperBound(candidates, packing, { value: start.value })
  const isTooLarge = candidates.utility.length > mostPairs
  const why = isTooLarge ? 'too large' : 'solver failed'
  say({ ...bounded(start, bound), isExact: false, fallback: why }, isTooLarge)
  if (!isTooLarge) {
    const found = await solveMixedInteger(candidates, packing, { timeLimitMs, start: start.resource })
    say(judged(start, bound, found), true)
  }
}

function judged(start: Allocation, bound: number, found: MixedIntegerResult): ExactAllocation {
  const solved = allocationOf(found)
  if (solved === null) return { ...bounded(start, bound), isExact: false, fallback: 'solver failed' }
  if (found.isOptimal) return { ...bounded(solved, 0), isExact: true }
  const better = solved.value > start.value ? solved : start
  return { ...bounded(better, Math.min(bound, found.bound)), isExact: false, fallback: 'time limit' }
}

/** What the solver chose, checked: null when it does not fit. */
function allocationOf({ pair }: MixedIntegerResult): Allocation | null {
  const { resources, utility } = candidates
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
