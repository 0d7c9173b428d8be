import { seededRandom } from '@isthmus/models/data'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exactAllocation } from '../allocation/exact.ts'
import { greedyAllocation } from '../allocation/greedy.ts'
import { packingOf } from '../allocation/packing.ts'
import { candidatesOf } from '../candidates-of.ts'
import { markets, packingFor, request, resource, tableOf } from '../market.test.support.ts'
import type { Market } from '../market.ts'
import { clearRound, type PaymentRule } from '../round.ts'
import { defaultWeights } from '../weights.ts'
import { criticalPayments, rankingOf } from './critical.ts'
import { profitableLies } from './lies.test.support.ts'
import { mohaf2025Candidates, mohaf2025Payments } from './mohaf-2025.ts'
import { postedPrices } from './posted.ts'
import { vcgPayments, welfareOf } from './vcg.ts'

const critical = (market: Parameters<typeof rankingOf>[0], options = {}) =>
  criticalPayments(rankingOf(market, defaultWeights, options))

describe('critical payments', () => {
  it('are the lowest bids that still win: 10 √2 where the rank is bid over root of size', () => {
    const bundle = (id: string, demand: number[], bid: number) => request(id, { demand, bid })
    const market = {
      requests: [bundle('A', [1, 0, 0, 0], 10), bundle('B', [1, 1, 0, 0], 19), bundle('C', [0, 1, 0, 0], 8)],
      resources: [resource('goods', { capacity: [1, 1, 0, 0], unitCost: 0 })],
    }
    const {
      resource: won,
      payment,
      revenue,
    } = criticalPayments(rankingOf(market, defaultWeights, {}, 'bid per root of size'))
    expect([...won]).toEqual([-1, 0, -1])
    expect(payment[1]).toBeCloseTo(10 * Math.SQRT2, 9)
    expect(revenue).toBe(payment[1])
  })

  it('are never above the bid nor below 0, and 0 for losers; whoever wins wins with any higher bid, at the same price', () => {
    fc.assert(
      fc.property(
        markets(),
        fc.boolean(),
        fc.double({ min: 1.01, max: 9, noNaN: true }),
        (market, exclusive, factor) => {
          const { resource: won, payment } = critical(market, { exclusive })
          for (const [at, { bid }] of market.requests.entries()) {
            expect(payment[at]).toBeGreaterThanOrEqual(0)
            expect(payment[at]).toBeLessThanOrEqual(won[at]! >= 0 ? bid : 0)
            if (won[at]! < 0) continue
            const raised = {
              ...market,
              requests: market.requests.with(at, { ...market.requests[at]!, bid: bid * factor }),
            }
            const again = critical(raised, { exclusive })
            expect(again.resource[at]).toBeGreaterThanOrEqual(0)
            expect(again.payment[at]).toBeCloseTo(payment[at]!, 9)
            if (payment[at]! < 1e-6) continue
            const short = {
              ...market,
              requests: market.requests.with(at, { ...market.requests[at]!, bid: payment[at]! * (1 - 1e-9) }),
            }
            expect(critical(short, { exclusive }).resource[at]).toBe(-1)
          }
        },
      ),
      { numRuns: 60 },
    )
  }, 60_000)

  it('allocate as greedy does', () => {
    fc.assert(
      fc.property(markets(12, 5), (market) => {
        const greedy = greedyAllocation(candidatesOf(market, defaultWeights), market)
        expect(critical(market).resource).toEqual(greedy.resource)
      }),
    )
  })

  it.each(['utility', 'utility per size', 'bid per root of size'] as const)(
    'leave no profitable lie by %s',
    async (rank) => {
      expect(await profitableLies('critical', { markets: 25, misreports: 12, seed: 1, rank })).toEqual([])
    },
    120_000,
  )
})

describe('VCG payments', () => {
  it('are 5 and 3 where three want one of two', async () => {
    const candidates = tableOf([
      [10, 6],
      [8, 7],
      [5, 3],
    ])
    const packing = packingFor([1, 1, 1], [1, 1])
    const best = await exactAllocation(candidates, packing)
    expect([best.value, ...best.resource]).toEqual([17, 0, 1, -1])
    expect([...(await vcgPayments({ candidates, own: candidates.utility }, packing, best)).payment]).toEqual([
      5, 3, 0,
    ])
  })

  it('are refused for an allocation that is not proved to be the best', async () => {
    const candidates = tableOf([[10]])
    const packing = packingFor([1], [1])
    const best = await exactAllocation(candidates, packing)
    const unproved = { ...best, isExact: false }
    const welfare = { candidates, own: candidates.utility }
    await expect(vcgPayments(welfare, packing, unproved)).rejects.toMatchObject({ code: 'NOT_EXACT' })
    await expect(vcgPayments(welfare, packing, best, () => unproved)).rejects.toMatchObject({
      code: 'NOT_EXACT',
    })
  })

  it('cover the cost, stay below the bid, and are 0 for losers', async () => {
    await fc.assert(
      fc.asyncProperty(markets(5, 3), async (market) => {
        const welfare = welfareOf(market, defaultWeights)
        const packing = packingOf(market)
        const best = await exactAllocation(welfare.candidates, packing)
        const { payment } = await vcgPayments(welfare, packing, best)
        for (const [at, { bid, demand }] of market.requests.entries()) {
          const place = best.resource[at]!
          const cost =
            place < 0
              ? 0
              : market.resources[place]!.unitCost * demand.reduce((sum, amount) => sum + amount, 0)
          expect(payment[at]).toBeGreaterThanOrEqual(cost - 1e-9)
          expect(payment[at]).toBeLessThanOrEqual(place < 0 ? 0 : bid)
        }
      }),
      { numRuns: 40 },
    )
  }, 60_000)

  it('leave no profitable lie', async () => {
    expect(await profitableLies('vcg', { markets: 25, misreports: 12, seed: 2 })).toEqual([])
  }, 120_000)
})

describe('posted prices', () => {
  it('are paid as they stand, by whoever bids as much, while there is room; the cheapest first', () => {
    const market = {
      requests: [request('low', { bid: 2 }), request('first'), request('second'), request('third')],
      resources: [
        resource('dear', { capacity: [1, 0, 0, 0] }),
        resource('cheap', { capacity: [1, 0, 0, 0] }),
      ],
    }
    const pairs = candidatesOf(market, defaultWeights, { budget: false })
    const { resource: won, payment, revenue } = postedPrices(market, pairs, packingOf(market), [5, 3])
    expect([...won]).toEqual([-1, 1, 0, -1])
    expect([...payment]).toEqual([0, 3, 5, 0])
    expect(revenue).toBe(8)
  })

  it('leave no profitable lie', async () => {
    expect(await profitableLies('posted', { markets: 25, misreports: 12, seed: 3 })).toEqual([])
  }, 60_000)
})

describe('the published payments', () => {
  it('reward lying: who bids 1 where it would gain 4 pays .12 less', () => {
    const server = resource('s', { unitCost: 1, reliability: 1, availability: 1, energy: 0.5 })
    // Half a utility of all that is no cost, under weights .4 .3 .1 .2.
    const pay = (bid: number) => {
      const one = request('a', { bid, priority: 0.5 })
      const market = { requests: [one], resources: [server] }
      const utility = 0.4 * (1 - 1 / bid) + 0.6 * 0.5
      const candidates = { ...candidatesOf(market, defaultWeights), utility: Float64Array.of(utility) }
      return mohaf2025Payments(market, candidates, { resource: Int32Array.of(0), value: utility }, [1])
        .revenue
    }
    expect(pay(4)).toBeCloseTo(1.04, 12)
    expect(pay(1)).toBeCloseTo(0.92, 12)
    expect(pay(4) - pay(1)).toBeCloseTo(0.12, 12)
  })

  it('are found out by the same search for lies that the others stand', async () => {
    const lies = await profitableLies('mohaf-2025', { markets: 25, misreports: 12, seed: 4 })
    expect(lies.length).toBeGreaterThan(10)
  })

  it('score with a utility above 1, which no other mode does', () => {
    const best = { reliability: 1, availability: 1, energy: 1, unitCost: 0 }
    const market = { requests: [request('a', { priority: 1 })], resources: [resource('s', best)] }
    expect(mohaf2025Candidates(market).utility[0]).toBeCloseTo(1.15, 12)
    expect(candidatesOf(market, defaultWeights).utility[0]).toBeLessThanOrEqual(1)
  })
})

describe('ties', () => {
  it('go by the order of the round, not by bids or by who came first', () => {
    const random = seededRandom(8)
    for (let round = 0; round < 20; round++) {
      const bid = 5 + random.uniform()
      const market = {
        requests: [request('a', { bid }), request('b', { bid })],
        resources: [resource('s', { capacity: [1, 0, 0, 0] })],
      }
      const { resource: won, payment } = critical(market)
      expect([...won]).toEqual([0, -1])
      expect(payment[0]).toBeCloseTo(bid, 9)
    }
  })
})

describe('what no rule of payment promises', () => {
  const server = (id: string) => resource(id, { capacity: [1, 0, 0, 0], unitCost: 0.01 })
  const gain = async (payment: PaymentRule, market: Market, worth: Readonly<Record<string, number>>) => {
    const { awards } = await clearRound(market, { payment })
    return awards
      .filter(({ request: id, resource: won }) => won !== null && id in worth)
      .reduce((sum, { request: id, payment: paid }) => sum + worth[id]! - paid, 0)
  }

  it.each(['critical', 'vcg'] as const)(
    'that two requests of one requester are best made both: %s',
    async (payment) => {
      const resources = [server('s'), server('t')]
      const worth = { first: 10, second: 6 }
      const mine = Object.entries(worth).map(([id, bid]) => request(id, { requester: 'me', bid }))
      const rival = request('rival', { bid: 5 })
      const both = await gain(payment, { requests: [...mine, rival], resources }, worth)
      const one = await gain(payment, { requests: [mine[0]!, rival], resources }, worth)
      expect(one).toBeGreaterThan(both)
    },
  )

  it('that a priority is a true one', async () => {
    const says = (priority: number) => {
      const requests = [request('me', { bid: 4, priority }), request('rival', { bid: 5, priority: 0.5 })]
      return gain('critical', { requests, resources: [server('s')] }, { me: 4 })
    }
    expect(await says(0.5)).toBe(0)
    expect(await says(1)).toBeGreaterThan(3)
  })
})
