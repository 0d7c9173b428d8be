import { Worker } from 'node:worker_threads'
import { seededRandom } from '@isthmus/models/data'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { boundAfterwards, clearRound, randomMarket } from '../auction/index.ts'
import { ClearingThread, type RoundBound } from './clearing-thread.ts'

const threads: ClearingThread[] = []
const opened = (options: ConstructorParameters<typeof ClearingThread>[0] = {}) => {
  const thread = new ClearingThread(options)
  threads.push(thread)
  return thread
}
afterEach(() => Promise.all(threads.splice(0).map((thread) => thread.close())))

const market = randomMarket(seededRandom(3), 40, 4)

describe('a thread that clears rounds', () => {
  it.each(['critical', 'posted', 'vcg'] as const)(
    'comes to what the round itself comes to: %s',
    async (payment) => {
      const { awards, value } = await opened().clear(market, { payment })
      const own = await clearRound(market, { payment, bound: false })
      expect({ awards, value }).toEqual({ awards: own.awards, value: own.value })
    },
  )

  it('leaves the thread of its caller free meanwhile', async () => {
    let turns = 0
    let isDone = false
    const turn = () => {
      turns++
      if (!isDone) setImmediate(turn)
    }
    const cleared = opened().clear(randomMarket(seededRandom(4), 400, 20), { payment: 'critical' })
    turn()
    await cleared
    isDone = true
    expect(turns).toBeGreaterThan(100)
  })

  it('tells the bound when the awards are out', async () => {
    let tell: (bound: RoundBound) => void = () => {}
    const told = new Promise<RoundBound>((resolve) => {
      tell = resolve
    })
    const thread = opened({ onBound: (bound) => tell(bound) })
    const { value, upperBound } = await thread.clear(market, { payment: 'critical' })
    expect(upperBound).toBe(Number.POSITIVE_INFINITY)
    const bound = await told
    expect(bound.upperBound).toBeGreaterThanOrEqual(value)
    const own = await clearRound(market, { payment: 'critical' })
    expect(bound).toEqual({ upperBound: own.upperBound, gap: own.gap })
    expect(boundAfterwards(own, { payment: 'critical' })).toEqual(bound)
  })

  it('is not given up while the round may still take its time', async () => {
    const silent = () =>
      new Worker('require("node:worker_threads").parentPort.on("message", () => {})', { eval: true })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      let failure = ''
      const cleared = opened({ spawn: silent })
        .clear(market, { payment: 'vcg', timeLimitMs: 300_000 })
        .catch((error) => {
          failure = error.code
        })
      await vi.advanceTimersByTimeAsync(300_000)
      expect(failure).toBe('')
      await vi.advanceTimersByTimeAsync(300_000)
      await cleared
      expect(failure).toBe('AUCTION_THREAD_DIED')
    } finally {
      vi.useRealTimers()
    }
  })

  it('fails the round that it dies over, and has a new thread for the next', async () => {
    const deadly = () =>
      new Worker('require("node:worker_threads").parentPort.on("message", () => process.exit(3))', {
        eval: true,
      })
    let spawned = 0
    const module = new URL('./clearing-main.js', import.meta.url)
    const thread = opened({ spawn: () => (spawned++ === 0 ? deadly() : new Worker(module)) })
    await expect(thread.clear(market, {})).rejects.toMatchObject({ code: 'AUCTION_THREAD_DIED' })
    expect((await thread.clear(market, {})).awards).toHaveLength(40)
  })

  it('gives up a thread that does not come back from a round', async () => {
    const stuck = () =>
      new Worker('require("node:worker_threads").parentPort.on("message", () => { for (;;); })', {
        eval: true,
      })
    let spawned = 0
    const module = new URL('./clearing-main.js', import.meta.url)
    const spawn = () => (spawned++ === 0 ? stuck() : new Worker(module))
    const thread = opened({ spawn, giveUpMs: 300 })
    await expect(thread.clear(market, {})).rejects.toMatchObject({ code: 'AUCTION_THREAD_DIED' })
    const again = opened({ spawn })
    expect((await again.clear(market, {})).awards).toHaveLength(40)
  })

  it('fails a round that cannot be cleared, and goes on', async () => {
    const thread = opened()
    const broken = { ...market, resources: [{ ...market.resources[0]!, capacity: [Number.NaN] }] }
    await expect(thread.clear(broken, {})).rejects.toMatchObject({ code: 'AUCTION_THREAD_DIED' })
    expect((await thread.clear(market, {})).awards).toHaveLength(40)
  })

  it('says of a round without a proved best that it has none', async () => {
    const thread = opened()
    await expect(thread.clear(market, { payment: 'vcg', allocation: 'fast' })).rejects.toMatchObject({
      code: 'NOT_EXACT',
    })
    await expect(thread.clear(market, { payment: 'vcg', timeLimitMs: 0 })).rejects.toMatchObject({
      code: 'NOT_EXACT',
    })
  })

  it('clears nothing more when it is closed', async () => {
    const thread = opened()
    const pending = thread.clear(market, {})
    const failed = expect(pending).rejects.toMatchObject({ code: 'AUCTION_THREAD_DIED' })
    await thread.close()
    await failed
    await expect(thread.clear(market, {})).rejects.toMatchObject({ code: 'AUCTION_THREAD_DIED' })
  })
})
