import { parentPort } from 'node:worker_threads'
import { IsthmusError } from '@isthmus/proto'
import { boundAfterwards, clearRound } from '../auction/index.ts'
import type { FromClearing, ToClearing } from './clearing-thread.ts'

// The thread that clears rounds. The bound comes after the round, and only when no other round waits.

let newest = 0

parentPort!.on('message', async ({ id, market, options }: ToClearing) => {
  newest = id
  try {
    const result = await clearRound(market, { ...options, bound: false })
    say({ id, result })
    if (result.isExact && options.payment !== 'vcg') return
    setImmediate(() => {
      if (newest === id) say({ id, bound: boundAfterwards(result, options) })
    })
  } catch (error) {
    const isNotExact = error instanceof IsthmusError && error.code === 'NOT_EXACT'
    say({ id, failure: error instanceof Error ? error.message : String(error), isNotExact })
  }
})

function say(message: FromClearing): void {
  parentPort!.postMessage(message)
}
