import { seededRandom } from '@isthmus/models/data'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  candidatesOf,
  defaultWeights,
  exactAllocation,
  localSearch,
  optimalAssignment,
  packingOf,
  solveBySearch,
  upperBound,
} from '../index.ts'
import { bestByTrying, markets, packingFor, tableOf } from '../market.test.support.ts'
import { randomMarket } from '../random-market.ts'
import { solveMixedInteger } from './mixed-integer.ts'

const gapLike = (seed: number, jobs: number, agents: number) => {
  const random = seededRandom(seed)
  const draw = (least: number, most: number) => least + random.below(most - least + 1)
  const rows = Array.from({ length: jobs }, () => Array.from({ length: agents }, () => draw(15, 25)))
  const demand = Float64Array.from({ length: jobs * agents }, () => draw(5, 25))
  const capacity = new Float64Array(agents).fill(Math.floor((0.8 * 15 * jobs) / agents))
  const packing = { requests: jobs, resources: agents, kinds: 1, capacity, demand, demandPerPair: true }
  return { candidates: tableOf(rows), packing }
}

describe('assignment', () => {
  it('is the best matching, and its prices prove it', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 5 }), (seed, n, m) => {
        const random = seededRandom(seed)
        // Few different values, so that there are ties; some pairs are missing, some worth less than nothing.
        const rows = Array.from({ length: n }, () =>
          Array.from({ length: m }, () => (random.uniform() < 0.3 ? undefined : random.below(8) - 1)),
        )
        const candidates = tableOf(rows)
        const { value, prices, resource } = optimalAssignment(candidates, m)
        expect(value).toBeCloseTo(bestByTrying(candidates, packingFor(Array(n).fill(1), Array(m).fill(1))), 9)
        expect(new Set(resource.filter((place) => place >= 0)).size).toBe(
          resource.filter((place) => place >= 0).length,
        )
        let proof = prices.reduce((sum, price) => sum + price, 0)
        for (const row of rows) proof += Math.max(0, ...row.map((worth, at) => (worth ?? 0) - prices[at]!))
        expect(proof).toBeCloseTo(value, 9)
        expect(Math.min(...prices)).toBeGreaterThanOrEqual(0)
      }),
      { numRuns: 300 },
    )
  })
})

describe('exact mode', () => {
  it('finds the best allocation of small rounds on the spot', async () => {
    await fc.assert(
      fc.asyncProperty(markets(6, 3), async (market) => {
        const candidates = candidatesOf(market, defaultWeights)
        const best = bestByTrying(candidates, packingOf(market))
        const exact = await exactAllocation(candidates, market)
        expect(exact).toMatchObject({ isExact: true, gap: 0 })
        expect(exact.value).toBeCloseTo(best, 9)
        expect(upperBound(candidates, packingOf(market)).bound).toBeGreaterThanOrEqual(best - 1e-9)
        expect(localSearch(candidates, market).value).toBeLessThanOrEqual(best + 1e-9)
      }),
      { numRuns: 60 },
    )
  }, 60_000)

  it('agrees with its own search where it asks the solver', async () => {
    for (let seed = 0; seed < 3; seed++) {
      const { candidates, packing } = gapLike(seed, 7, 3)
      const { pair, isOptimal, bound } = await solveMixedInteger(candidates, packing, { timeLimitMs: 20_000 })
      const value = pair.reduce((sum, chosen) => sum + (chosen < 0 ? 0 : candidates.utility[chosen]!), 0)
      expect([isOptimal, value]).toEqual([true, bestByTrying(candidates, packing)])
      expect(bound).toBeCloseTo(value, 6)
      expect(solveBySearch(candidates, packing)?.value).toBe(value)
    }
  }, 90_000)

  it('solves larger rounds in a thread while this one goes on', async () => {
    const { candidates, packing } = gapLike(5, 24, 5)
    expect(solveBySearch(candidates, packing)).toBeNull()
    let turns = 0
    let isSolved = false
    const turn = () => {
      turns++
      if (!isSolved) setImmediate(turn)
    }
    const solving = exactAllocation(candidates, packing, { timeLimitMs: 60_000 })
    setImmediate(turn)
    const exact = await solving
    isSolved = true
    expect(exact).toMatchObject({ isExact: true, gap: 0 })
    expect(exact.value).toBeGreaterThanOrEqual(localSearch(candidates, packing).value)
    expect(turns).toBeGreaterThan(10)
  }, 90_000)

  it('falls back to the heuristic, says so, and still tells how far the optimum may be', async () => {
    const { candidates, packing } = gapLike(6, 60, 8)
    const hasty = await exactAllocation(candidates, packing, { timeLimitMs: 1 })
    const { value } = localSearch(candidates, packing)
    expect(hasty).toMatchObject({ isExact: false, fallback: 'time limit' })
    expect(hasty.value).toBeGreaterThanOrEqual(value)
    expect(hasty.upperBound).toBeGreaterThanOrEqual(hasty.value)
    const large = await exactAllocation(candidates, packing, { mostPairs: 100 })
    expect(large).toMatchObject({ isExact: false, fallback: 'too large', value })
    expect(large.gap).toBeLessThan(0.1)
  }, 60_000)

  it('knows an empty round', async () => {
    const market = { ...randomMarket(seededRandom(1), 3, 2), requests: [] }
    expect(await exactAllocation(candidatesOf(market, defaultWeights), market)).toMatchObject({
      value: 0,
      gap: 0,
      isExact: true,
    })
  })
})

describe('upper bound', () => {
  it('comes near to the optimum where demands are coarse', () => {
    const candidates = tableOf(Array.from({ length: 30 }, (_, at) => [0.5 + at / 100, 0.6]))
    const packing = packingFor(Array(30).fill(2 / 3), [0.99, 1.4])
    const best = exactBest(candidates, packing)
    const { bound } = upperBound(candidates, packing, { value: best })
    expect(bound).toBeGreaterThanOrEqual(best)
    expect(bound).toBeLessThan(1.01 * best)
  })
})

const exactBest = (candidates: Parameters<typeof optimalAssignment>[0], packing: { resources: number }) => {
  // Room for one at the first and for two at the second: three slots.
  const rows = Array.from({ length: candidates.starts.length - 1 }, (_, at) => [
    candidates.utility[2 * at]!,
    candidates.utility[2 * at + 1]!,
    candidates.utility[2 * at + 1]!,
  ])
  return optimalAssignment(tableOf(rows), packing.resources + 1).value
}
