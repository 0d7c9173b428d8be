import { seededRandom } from '@isthmus/models/data'
import { describe, expect, it } from 'vitest'
import { firstPrices, nextPrices, type PriceState } from './dual-prices.ts'
import { elasticDemand, utilisationAt } from './elastic-demand.ts'

const options = { least: 1, most: 5, target: 0.75 }

describe('prices', () => {
  it('start within their bounds and stay there, rise above the target and fall below it, each class alone', () => {
    const first = firstPrices({ gpu: 9, cpu: 2, odd: Number.NaN }, options)
    expect(first).toEqual({ prices: { gpu: 5, cpu: 2, odd: 1 }, round: 0 })
    const next = nextPrices(first, { gpu: 0.5, cpu: 0.9 }, options)
    expect(next.prices.gpu).toBeLessThan(5)
    expect(next.prices.cpu).toBeGreaterThan(2)
    expect(next.prices.odd).toBe(1)
    let state = next
    for (let round = 0; round < 50; round++) state = nextPrices(state, { gpu: 3, cpu: 0 }, options)
    expect(state.prices).toMatchObject({ gpu: 5, cpu: 1 })
    expect(nextPrices(first, { cpu: 0.75 }, options).prices.cpu).toBe(2)
  })

  it('bring the use of each class to the target, and follow when demand doubles', () => {
    const random = seededRandom(7)
    const classes = { gpu: elasticDemand(400, 2, 4, random), cpu: elasticDemand(2000, 1.2, 4, random) }
    const bounds = { least: 0, most: 4, target: 0.75 }
    const run = (state: PriceState, pressure: number): [PriceState, number] => {
      let within = 0
      for (let round = 0; round < 200; round++) {
        const used = Object.fromEntries(
          Object.entries(classes).map(([name, demand]) => [
            name,
            pressure * utilisationAt(demand, state.prices[name]!, random),
          ]),
        )
        state = nextPrices(state, used, bounds)
        if (round >= 100 && Object.values(used).every((share) => Math.abs(share - 0.75) < 0.05)) within++
      }
      return [state, within]
    }
    const [settled, calm] = run(firstPrices({ gpu: 0.1, cpu: 3.9 }, bounds), 1)
    expect(calm).toBeGreaterThan(90)
    const [after, again] = run(JSON.parse(JSON.stringify(settled)) as PriceState, 2)
    expect(again).toBeGreaterThan(75)
    expect(after.prices.cpu).toBeGreaterThan(settled.prices.cpu! + 0.5)
  })

  it('meet a demand that reacts to them', () => {
    const demand = elasticDemand(500, 2, 4, seededRandom(1))
    const at = (price: number) => utilisationAt(demand, price, seededRandom(2))
    expect(at(0)).toBeGreaterThan(1.8)
    expect(at(2)).toBeLessThan(0.6 * at(0))
    expect(at(4)).toBe(0)
  })

  it('refuse bounds, targets and utilisations that mean nothing', () => {
    const state = firstPrices({ gpu: 2 }, options)
    for (const used of [Number.NaN, -1, Number.POSITIVE_INFINITY]) {
      expect(() => nextPrices(state, { gpu: used }, options)).toThrow(/Utilisation of gpu/)
    }
    expect(() => firstPrices({}, { least: 5, most: 1 })).toThrow(/Prices go/)
    expect(() => firstPrices({}, { ...options, target: 1 })).toThrow(/target/)
    expect(() => firstPrices({}, { ...options, step: 0 })).toThrow(/step/)
  })
})
