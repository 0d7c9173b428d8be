import { seededRandom } from '@isthmus/models/data'
import { describe, expect, test } from 'vitest'
import { clearRound, type PaymentRule, randomMarket } from '../auction/index.ts'
import { edgeError } from '../errors.ts'
import { AuctionHouse } from './auction-house.ts'

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
