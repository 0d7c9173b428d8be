import { seededRandom } from '@isthmus/models/data'
import { describe, expect, it } from 'vitest'
import { baselines, candidatesOf, defaultWeights, packingOf, utilityOf } from '../index.ts'
import { loadsOf, request, resource } from '../market.test.support.ts'
import { randomMarket } from '../random-market.ts'
import { nomadScore } from './index.ts'

describe('baselines', () => {
  it.each(Object.entries(baselines))('%s fits, and is worth what the one utility says', (_, baseline) => {
    for (let seed = 0; seed < 30; seed++) {
      const market = randomMarket(seededRandom(seed), 15, 5)
      const candidates = candidatesOf(market, defaultWeights)
      const { resource: won, value } = baseline(market, candidates, packingOf(market), seededRandom(seed))
      let sum = 0
      for (const [at, place] of won.entries()) {
        if (place >= 0) sum += utilityOf(market.requests[at]!, market.resources[place]!, defaultWeights)
      }
      expect(value).toBeCloseTo(sum, 9)
      for (const [at, load] of loadsOf(market, won).entries()) {
        for (const [kind, amount] of load.entries())
          expect(amount).toBeLessThanOrEqual(market.resources[at]!.capacity[kind]! + 1e-9)
      }
      // Whoever is left out would not have fitted where it may go.
      const loads = loadsOf(market, won)
      for (const [at, place] of won.entries()) {
        if (place >= 0) continue
        for (let pair = candidates.starts[at]!; pair < candidates.starts[at + 1]!; pair++) {
          const other = candidates.resources[pair]!
          const hasRoom = market.requests[at]!.demand.every(
            (amount, kind) => loads[other]![kind]! + amount <= market.resources[other]!.capacity[kind]!,
          )
          expect(hasRoom).toBe(false)
        }
      }
    }
  })

  const two = {
    requests: [request('a', { bid: 5, priority: 0.9 }), request('b', { bid: 9 }), request('c', { bid: 7 })],
    resources: [
      resource('large', { capacity: [10, 0, 0, 0] }),
      resource('small', { capacity: [2, 0, 0, 0] }),
    ],
  }
  const placesOf = (name: keyof typeof baselines, market = two) => [
    ...baselines[name](market, candidatesOf(market, defaultWeights), packingOf(market), seededRandom(1))
      .resource,
  ]

  it('spread or pack as their schedulers do', () => {
    expect(placesOf('leastAllocated')).toEqual([0, 0, 0])
    expect(placesOf('mostAllocated')).toEqual([1, 1, 0])
    expect(placesOf('nomadBinpack')).toEqual([1, 1, 0])
    expect(placesOf('fifo')).toEqual([0, 0, 0])
  })

  it('serve in their order where there is room for one', () => {
    const one = { ...two, resources: [resource('s', { capacity: [1, 0, 0, 0] })] }
    const winner = (name: keyof typeof baselines) => placesOf(name, one).indexOf(0)
    expect([winner('first price'), winner('priority'), winner('fifo'), winner('drf')]).toEqual([1, 0, 0, 0])
  })

  it('score as Nomad does: 0 for empty, 18 for full', () => {
    expect([nomadScore([1, 1]), nomadScore([0, 0])]).toEqual([0, 18])
    expect(nomadScore([0.5, 0.5])).toBeCloseTo(20 - 2 * Math.sqrt(10), 12)
  })
})
