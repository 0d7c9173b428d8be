import { parentPort, workerData } from 'node:worker_threads'
import { openSession } from '@isthmus/models/runtime'
import { latentDims, payloadBytes } from './bundles.ts'

// The yardstick of throughput: one thread that runs a tail in a tight loop and does nothing else.

export interface RawSetup {
  readonly model: Uint8Array
}

export interface RawRun {
  readonly runs: number
  readonly elapsedMs: number
}

const { model } = workerData as RawSetup
const port = parentPort!
const session = await openSession(model, { intraOpThreads: 1 })
const data = new Float32Array(payloadBytes).map((_, at) => Math.sin(at))
const feeds = { latent: { dtype: 'float32', dims: [1, ...latentDims], data } } as const
for (let run = 0; run < 3; run++) await session.run(feeds)

port.on('message', async (durationMs: number | 'close') => {
  if (durationMs === 'close') {
    await session.dispose()
    port.close()
    return
  }
  const startMs = performance.now()
  let runs = 0
  let elapsedMs = 0
  while (elapsedMs < durationMs) {
    await session.run(feeds)
    runs++
    elapsedMs = performance.now() - startMs
  }
  const done: RawRun = { runs, elapsedMs }
  port.postMessage(done)
})
port.postMessage('ready')
