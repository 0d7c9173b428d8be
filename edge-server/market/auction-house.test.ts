import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRandom } from '@isthmus/models/data'
import { encodeMessage } from '@isthmus/proto'
import { describe, expect, test } from 'vitest'
import { clearRound, type PaymentRule, randomMarket } from '../auction/index.ts'
import { edgeError } from '../errors.ts'
import { AuctionHouse } from './auction-house.ts'
import { type HouseState, readHouse, writeHouse } from './house-state.ts'

const market = randomMarket(seededRandom(3), 40, 3)

function house(payment: Exclude<PaymentRule, 'none'>, clear: typeof clearRound): AuctionHouse {
  const prices = { least: 0, most: 100 }
  return new AuctionHouse({ payment, prices, loads: () => new Map(), timeLimitMs: 500, clearRound: clear })
}

const notIfVcg: typeof clearRound = (of, options) =>
  options?.payment === 'vcg' ? Promise.reject(edgeError('NOT_EXACT', 'no time')) : clearRound(of, options)

describe('a house under vcg', () => {
  test('clears by critical what is not solved in time, and says so', async () => {
    const fallback = await house('vcg', notIfVcg).clear(market)
    const critical = await house('critical', clearRound).clear(market)
    expect(fallback.winners.length).toBeGreaterThan(0)
    expect(fallback).toEqual({ ...critical, isFallback: true })
    expect(critical.isFallback).toBe(false)
  })

  test('clears by no other rule a round that fails otherwise', async () => {
    const dies: typeof clearRound = () => Promise.reject(edgeError('AUCTION_THREAD_DIED', 'gone'))
    await expect(house('vcg', dies).clear(market)).rejects.toMatchObject({ code: 'AUCTION_THREAD_DIED' })
  })
})

describe('what a house remembers', () => {
  test('goes on after a restart from its file, and not from one that is damaged', async () => {
    const path = join(await mkdtemp(join(tmpdir(), 'isthmus-house-')), 'edge.market.json')
    const options = { payment: 'critical' as const, prices: { least: 0, most: 9 }, timeLimitMs: 500 }
    const first = new AuctionHouse({ ...options, loads: () => new Map() })
    await first.clear(market)
    expect(await readHouse(path)).toBeUndefined()
    await writeHouse(path, first.state)
    const state = (await readHouse(path)) as HouseState
    expect(state).toEqual(first.state)
    const [next, goes] = [new AuctionHouse({ ...options, loads: () => new Map(), state }), first]
    expect(await next.clear(market)).toEqual(await goes.clear(market))
    await writeFile(path, JSON.stringify(state).slice(0, -9))
    expect(await readHouse(path)).toBe('damaged')
  })

  test('fits into a message however many have won, without those who have had least', () => {
    const shares = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, k) => [`camera-at-the-gate-${k}`, (k + 1) / 20_000]),
    )
    const options = { payment: 'critical' as const, prices: { least: 0, most: 9 }, loads: () => new Map() }
    const state = { prices: { prices: { edge: 4 }, round: 7 }, fairness: { shares } }
    const memory = new AuctionHouse({ ...options, timeLimitMs: 500, state }).memory()
    const body = { kind: 'marketMemory' as const, rounds: 7 }
    expect(() =>
      encodeMessage({ envelope: { id: 0xffffffff, boot: 1, sequence: 1 }, body }, memory),
    ).not.toThrow()
    const other = new AuctionHouse({ ...options, timeLimitMs: 500 })
    expect(other.adopt(memory)).toBe(true)
    expect(other.state.prices).toEqual(state.prices)
    const kept = Object.entries(other.state.fairness.shares)
    expect(kept.length).toBeGreaterThan(2000)
    expect(Math.min(...kept.map(([, share]) => share))).toBe((20_001 - kept.length) / 20_000)
  })

  test('is not taken from what is older, nor from rounds that cannot be counted on', () => {
    const options = { payment: 'critical' as const, prices: { least: 0, most: 9 }, loads: () => new Map() }
    const at = (round: number) => ({ prices: { prices: {}, round }, fairness: { shares: {} } })
    const house = new AuctionHouse({ ...options, timeLimitMs: 500, state: at(5) })
    const bytes = (round: number) => new TextEncoder().encode(JSON.stringify(at(round)))
    for (const round of [4, 5, 2 ** 32, Number.MAX_SAFE_INTEGER])
      expect(house.adopt(bytes(round))).toBe(false)
    expect(house.adopt(bytes(6))).toBe(true)
  })
})
