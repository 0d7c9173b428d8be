import { seededRandom } from '@isthmus/models/data'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  additive,
  candidatesOf,
  concaveOverGroups,
  defaultWeights,
  greedyAllocation,
  localSearch,
  packingOf,
  setGreedy,
  sumOf,
} from '../index.ts'
import { loadsOf, markets, packingFor, tableOf } from '../market.test.support.ts'
import { randomMarket } from '../random-market.ts'

describe('greedy', () => {
  it('never gives away more than a resource has, nor a request two resources, also after local search', () => {
    fc.assert(
      fc.property(markets(30, 6), (market) => {
        const candidates = candidatesOf(market, defaultWeights)
        const greedy = greedyAllocation(candidates, market)
        const searched = localSearch(candidates, market, { patience: 10 })
        for (const { resource } of [greedy, searched]) {
          for (const [at, load] of loadsOf(market, resource).entries()) {
            for (const [kind, amount] of load.entries()) {
              expect(amount).toBeLessThanOrEqual(market.resources[at]!.capacity[kind]! * (1 + 1e-9))
            }
          }
        }
        expect(searched.value).toBeGreaterThanOrEqual(greedy.value - 1e-12)
      }),
      { numRuns: 40 },
    )
  }, 60_000)

  it('takes what looking at every pair every time takes', () => {
    fc.assert(
      fc.property(markets(12, 5), (market) => {
        const candidates = candidatesOf(market, defaultWeights)
        const packing = packingOf(market)
        const plain = setGreedy(candidates, packing, additive(candidates), { lazy: false })
        expect(greedyAllocation(candidates, packing).resource).toEqual(plain.resource)
      }),
    )
  })

  it('reaches half of the optimum of a matching at the worst', () => {
    const candidates = tableOf([
      [1.01, 1],
      [1, undefined],
    ])
    const packing = packingFor([1, 1], [1, 1])
    expect(greedyAllocation(candidates, packing).value).toBe(1.01)
    expect(localSearch(candidates, packing).value).toBe(2)
  })

  it('takes the large value where going by value for the size would take the small one', () => {
    expect(greedyAllocation(tableOf([[0.02], [1]]), packingFor([0.01, 1], [1])).value).toBe(1)
  })
})

describe('lazy greedy for set objectives', () => {
  it('takes what plain greedy takes, with fewer gains asked for, on 1,000 problems', () => {
    let [lazily, plainly] = [0, 0]
    for (let seed = 0; seed < 1000; seed++) {
      const random = seededRandom(seed)
      const market = randomMarket(random, 14, 5)
      const candidates = candidatesOf(market, defaultWeights)
      const packing = packingOf(market)
      const requesters = [...new Set(market.requests.map(({ requester }) => requester))]
      const groups = market.requests.map(({ requester }) => requesters.indexOf(requester))
      const objective = () =>
        sumOf([
          { factor: 0.5, objective: additive(candidates) },
          { factor: 0.3, objective: concaveOverGroups(requesters.length, (request) => groups[request]!) },
          {
            factor: 0.2,
            objective: concaveOverGroups(
              market.resources.length,
              (_, pair) => candidates.resources[pair]!,
              (_, pair) => market.resources[candidates.resources[pair]!]!.energy,
            ),
          },
        ])
      const lazy = setGreedy(candidates, packing, objective())
      const plain = setGreedy(candidates, packing, objective(), { lazy: false })
      if (!lazy.resource.every((place, at) => place === plain.resource[at])) expect.fail(`seed ${seed}`)
      expect(lazy.evaluations).toBeLessThanOrEqual(plain.evaluations)
      lazily += lazy.evaluations
      plainly += plain.evaluations
    }
    expect(lazily).toBeLessThan(0.6 * plainly)
  })

  it('works on gains that never grow and never fall below 0', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const random = seededRandom(seed)
        const [groups, pairs] = [3, 12]
        const group = Array.from({ length: pairs }, () => random.below(groups))
        const amount = Array.from({ length: pairs }, () => random.uniform())
        const make = () =>
          concaveOverGroups(
            groups,
            (_, pair) => group[pair]!,
            (_, pair) => amount[pair]!,
          )
        const [small, large] = [make(), make()]
        const probe = random.below(pairs)
        for (let pair = 0; pair < pairs; pair++) {
          if (pair === probe) continue
          const draw = random.uniform()
          if (draw < 0.3) small.add(0, pair)
          if (draw < 0.6) large.add(0, pair)
        }
        expect(large.gain(0, probe)).toBeGreaterThanOrEqual(0)
        expect(small.gain(0, probe)).toBeGreaterThanOrEqual(large.gain(0, probe) - 1e-12)
      }),
    )
  })
})
