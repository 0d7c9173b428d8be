import { Worker } from 'node:worker_threads'
import { seededRandom } from '@isthmus/models/data'
import { afterEach, describe, expect, it } from 'vitest'
import { randomMarket } from '../random-market.ts'
import { clearByClusters } from './clear.ts'
import { ShardThreads } from './shard-threads.ts'

const opened: ShardThreads[] = []
const threads = (count: number, spawn?: () => Worker) => {
  const runner = new ShardThreads(count, spawn)
  opened.push(runner)
  return runner
}
afterEach(async () => {
  await Promise.all(opened.splice(0).map((runner) => runner.close()))
})

const market = randomMarket(seededRandom(7), 60, 20)
// Few steps of the bound: each is a turn of all threads.
const options = { clusters: 7, boundSteps: 3 }
const died = expect.objectContaining({ code: 'AUCTION_THREAD_DIED', retryable: true })

describe('threads that clear markets', () => {
  it('come to what one thread alone comes to, round after round, however many they are', async () => {
    const alone = await clearByClusters(market, options)
    for (const count of [1, 3]) {
      const runner = threads(count)
      for (let round = 0; round < 2; round++) {
        const { resource, value, upperBound, prices } = await clearByClusters(market, { ...options, runner })
        expect(resource).toEqual(alone.resource)
        expect(value).toBe(alone.value)
        expect(upperBound).toBe(alone.upperBound)
        expect(prices).toEqual(alone.prices)
      }
    }
  })

  it('fail the round with an error of the table when one dies, and every round after', async () => {
    const dies = () =>
      new Worker("require('node:worker_threads').parentPort.on('message', () => process.exit(3))", {
        eval: true,
      })
    const runner = threads(2, dies)
    await expect(clearByClusters(market, { runner })).rejects.toEqual(died)
    await expect(clearByClusters(market, { runner })).rejects.toEqual(died)
    // The way out that the error names.
    expect((await clearByClusters(market)).value).toBeGreaterThan(0)
  })

  it('fail the round when the work itself fails', async () => {
    const throws = () =>
      new Worker("require('node:worker_threads').parentPort.on('message', () => { throw new Error('no') })", {
        eval: true,
      })
    await expect(clearByClusters(market, { runner: threads(1, throws) })).rejects.toEqual(died)
  })

  it('take no more work when they have been closed', async () => {
    const runner = threads(1)
    await runner.close()
    await expect(clearByClusters(market, { runner })).rejects.toEqual(died)
  })
})
