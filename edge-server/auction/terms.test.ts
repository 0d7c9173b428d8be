import { seededRandom } from '@isthmus/models/data'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  candidatesOf,
  defaultWeights,
  greedyAllocation,
  normalisedWeights,
  termsOf,
  utilityOf,
} from './index.ts'
import { request, resource } from './market.test.support.ts'
import { randomMarket } from './random-market.ts'

describe('utility', () => {
  it('and each of its terms are from 0 to 1, whatever the pair, and no method is worth more than its winners', () => {
    const random = seededRandom(3)
    let pairs = 0
    while (pairs < 100_000) {
      const market = randomMarket(random, 40, 25)
      const scales = { history: new Map([['u1', 5 * random.uniform()]]), reachKm: 1 + 100 * random.uniform() }
      for (const one of market.requests) {
        for (const other of market.resources) {
          pairs++
          for (const term of Object.values(termsOf(one, other, scales))) {
            if (!(term >= 0 && term <= 1)) expect.fail(`${term} of ${JSON.stringify([one, other])}`)
          }
          const utility = utilityOf(one, other, defaultWeights, scales)
          if (!(utility >= 0 && utility <= 1)) expect.fail(`${utility} of ${JSON.stringify([one, other])}`)
        }
      }
      const { value, order } = greedyAllocation(candidatesOf(market, defaultWeights), market)
      expect(value).toBeLessThanOrEqual(order.length)
    }
  }, 60_000)

  it('weighs its terms as the weights say, whatever their sum', () => {
    const [one, other] = [request('a', { place: { x: 3, y: 4 } }), resource('s')]
    const { cost, qos, energy, fair } = termsOf(one, other)
    expect([cost, energy, fair]).toEqual([0.9, 0.5, 0.5])
    expect(qos).toBeCloseTo(0.45 + 0.5 * (1 - 5 / 200), 12)
    expect(utilityOf(one, other, { cost: 3, qos: 1, energy: 0, fair: 0 })).toBeCloseTo(
      0.75 * cost + 0.25 * qos,
      12,
    )
    expect(normalisedWeights({ cost: 2, qos: 2, energy: 0, fair: 0 })).toEqual({
      cost: 0.5,
      qos: 0.5,
      energy: 0,
      fair: 0,
    })
  })

  it('refuses weights that mean nothing', () => {
    for (const weights of [{ cost: -1 }, { qos: Number.NaN }, { energy: Number.POSITIVE_INFINITY }]) {
      expect(() => normalisedWeights({ ...defaultWeights, ...weights })).toThrow(/Weights are numbers/)
    }
    expect(() => normalisedWeights({ cost: 0, qos: 0, energy: 0, fair: 0 })).toThrow(/more than 0/)
  })

  it('reads the bid in its cost term alone, which grows with it', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.double({ min: 0, max: 100, noNaN: true }),
        fc.double({ min: 0, max: 100, noNaN: true }),
        (seed, a, b) => {
          const market = randomMarket(seededRandom(seed), 1, 1)
          const [low, high] = [a, b]
            .sort((x, y) => x - y)
            .map((bid) => termsOf({ ...market.requests[0]!, bid }, market.resources[0]!))
          expect({ ...low, cost: 0 }).toEqual({ ...high, cost: 0 })
          expect(high!.cost).toBeGreaterThanOrEqual(low!.cost)
        },
      ),
    )
  })

  it('falls with what the requester has had', () => {
    const had = (share: number) =>
      termsOf(request('a'), resource('s'), { history: new Map([['a', share]]) }).fair
    expect([had(0), had(0.5), had(1), had(9)]).toEqual([0.5, 0.25, 0, 0])
  })
})
