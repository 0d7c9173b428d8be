import { parentPort, workerData } from 'node:worker_threads'
import type { Candidates } from '../candidates.ts'
import { solveMixedInteger } from './mixed-integer.ts'
import type { Packing } from './packing.ts'

// The thread in which the solver may take its time.

export interface ExactWork {
  readonly candidates: Candidates
  readonly packing: Packing
  readonly timeLimitMs: number
  readonly start: Int32Array
}

const { candidates, packing, timeLimitMs, start } = workerData as ExactWork
parentPort!.postMessage(await solveMixedInteger(candidates, packing, { timeLimitMs, start }))
