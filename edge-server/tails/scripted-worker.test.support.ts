import { parentPort, Worker, workerData } from 'node:worker_threads'
import type { FromWorker, ToWorker, WorkerSetup } from './messages.ts'

/** What the first byte of a payload makes a scripted worker do. Any other byte is answered at once. */
export const HOLD = 200
export const CRASH = 201

/** A worker that loads nothing and obeys the payloads: for tests that need a worker to be busy, or to die. */
export const spawnScripted = (setup: WorkerSetup): Worker =>
  new Worker(new URL(import.meta.url), { workerData: setup })

const port = parentPort
if (port !== null) {
  const { bundles, maxBatch } = workerData as WorkerSetup
  const frames = { split: maxBatch, edge: maxBatch }
  const say = (message: FromWorker) => port.postMessage(message)
  port.on('message', (message: ToWorker) => {
    if (message.kind === 'close') {
      port.close()
      return
    }
    const { id, work } = message
    if (work.payload[0] === CRASH) throw new Error('told to crash')
    if (work.payload[0] === HOLD) return
    const result = Float32Array.of(work.payload[0]!, 0)
    const outcome = { ok: true, result, dims: [1, 2], decodeMs: 0, tailMs: 0 } as const
    say({ kind: 'done', answers: [{ id, outcome }], frames: maxBatch })
  })
  say({ kind: 'ready', failures: [], batches: bundles.map(({ key }) => [key, frames]) })
}
