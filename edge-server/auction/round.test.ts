import { type Random, seededRandom, shuffledIndices } from '@isthmus/models/data'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clearRound, type Market, type PaymentRule } from './index.ts'
import { loadsOf, markets, request, resource } from './market.test.support.ts'

const shuffled = (market: Market, random: Random): Market => ({
  requests: [...shuffledIndices(market.requests.length, random)].map((at) => market.requests[at]!),
  resources: [...shuffledIndices(market.resources.length, random)].map((at) => market.resources[at]!),
})

describe('round', () => {
  it.each<PaymentRule>(['critical', 'vcg', 'posted', 'mohaf-2025', 'none'])(
    'paid by %s: tells value, bound and gap, fits, asks nobody for more than its bid, and does not depend on order',
    async (payment) => {
      await fc.assert(
        fc.asyncProperty(markets(6, 3), fc.nat(), async (market, seed) => {
          const result = await clearRound(market, { payment })
          expect(result.upperBound).toBeGreaterThanOrEqual(result.value)
          expect(result.gap).toBeCloseTo(
            result.value === result.upperBound ? 0 : 1 - result.value / result.upperBound,
            9,
          )
          expect(result.awards.length).toBe(market.requests.length)
          let revenue = 0
          for (const { request: id, resource: place, payment: paid, reason } of result.awards) {
            const { bid } = market.requests.find((one) => one.id === id)!
            expect(paid).toBeGreaterThanOrEqual(0)
            expect(paid).toBeLessThanOrEqual(place === null ? 0 : bid)
            expect(reason === null).toBe(place !== null)
            revenue += paid
          }
          expect(result.revenue).toBeCloseTo(revenue, 9)
          for (const [at, load] of loadsOf(result.market, result.resource).entries()) {
            for (const [kind, amount] of load.entries()) {
              expect(amount).toBeLessThanOrEqual(result.market.resources[at]!.capacity[kind]! * (1 + 1e-9))
            }
          }
          const again = await clearRound(shuffled(market, seededRandom(seed)), { payment })
          expect(again.awards).toEqual(result.awards)
        }),
        { numRuns: 30 },
      )
    },
    60_000,
  )

  it('exact is never worth less than fast, and proves it', async () => {
    await fc.assert(
      fc.asyncProperty(markets(6, 3), async (market) => {
        const fast = await clearRound(market, { payment: 'none' })
        const exact = await clearRound(market, { payment: 'none', allocation: 'exact' })
        expect(exact.value).toBeGreaterThanOrEqual(fast.value - 1e-9)
        expect(exact).toMatchObject({ isExact: true, gap: 0 })
        expect(fast.upperBound).toBeGreaterThanOrEqual(exact.value - 1e-9)
      }),
      { numRuns: 30 },
    )
  }, 60_000)

  it('refuses VCG payments for a fast allocation', async () => {
    const market = { requests: [request('a')], resources: [resource('s')] }
    await expect(clearRound(market, { payment: 'vcg', allocation: 'fast' })).rejects.toMatchObject({
      code: 'NOT_EXACT',
    })
  })

  it('tells losers that others bid more', async () => {
    const market = {
      requests: [request('a'), request('b', { bid: 5 })],
      resources: [resource('s', { capacity: [1, 0, 0, 0] })],
    }
    const { awards } = await clearRound(market)
    expect(awards).toMatchObject([
      { request: 'a', resource: 's', payment: expect.closeTo(5, 9), reason: null },
      { request: 'b', resource: null, payment: 0, reason: 'outbid' },
    ])
  })
})
