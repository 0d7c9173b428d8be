import { parentPort } from 'node:worker_threads'
import { RunQueueWait } from './run-queue.ts'
import { machineMs, type Stall } from './stalls.ts'

// A thread with nothing to do but to look. It tells of each time in which it did not get to run itself, and in which
// the threads that it was told of waited for a processor.

const TICK_MS = 2
/** Timers are this inexact on an idle machine. */
const USUAL_MS = 2
/** Shorter waits are everyday. */
const NOTABLE_MS = 0.5

let watched: readonly RunQueueWait[] = []
let lastMs = machineMs()

parentPort!.on('message', (threads: readonly string[]) => {
  for (const wait of watched) wait.close()
  watched = threads.map(RunQueueWait.of).filter((wait) => wait !== undefined)
})

const tell = (fromMs: number, toMs: number) => parentPort!.postMessage({ fromMs, toMs } satisfies Stall)

setInterval(() => {
  const nowMs = machineMs()
  const dueMs = lastMs + TICK_MS + USUAL_MS
  // A wait ended between the last look and this one: in the middle, unless this thread was kept from looking.
  const aboutMs = Math.min(nowMs - lastMs, TICK_MS + USUAL_MS) / 2
  if (nowMs > dueMs) tell(dueMs, nowMs)
  for (const wait of watched) {
    const waitedMs = wait.sinceLastMs()
    if (waitedMs > NOTABLE_MS) tell(lastMs + aboutMs - waitedMs, nowMs - aboutMs)
  }
  lastMs = nowMs
}, TICK_MS)
