import { parentPort, Worker } from 'node:worker_threads'
import type { FromWorker, ToWorker } from './messages.ts'

/** What the first byte of a payload makes a scripted worker do. Any other byte is answered at once. */
export const HOLD = 200
export const CRASH = 201

/** A worker that loads nothing and obeys the payloads: for tests that need a worker to be busy, or to die. */
export const spawnScripted = (): Worker => new Worker(new URL(import.meta.url), { workerData: 'scripted' })

const port = parentPort
if (port !== null) {
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
    say({ kind: 'done', id, outcome: { ok: true, result, dims: [1, 2], decodeMs: 0, tailMs: 0 } })
  })
  say({ kind: 'ready', failures: [] })
}
