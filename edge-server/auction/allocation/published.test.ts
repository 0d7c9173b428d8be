import { describe, expect, it } from 'vitest'
import {
  candidatesOf,
  defaultWeights,
  greedyAllocation,
  jainIndex,
  localSearch,
  mohaf2025Candidates,
  mohaf2025Payments,
  optimalAssignment,
  packingOf,
  solveBySearch,
  upperBound,
} from '../index.ts'
import { published, sharedData } from '../market.test.support.ts'
import { parseGapInstance, parseMohafMarket } from '../published.ts'

describe.skipIf(sharedData === undefined)('published experiment', { timeout: 300_000 }, () => {
  const market =
    sharedData === undefined
      ? { requests: [], resources: [] }
      : parseMohafMarket(published('google-jobs/mohaf-fixture.json'))
  const candidates = candidatesOf(market, defaultWeights, { zeroDemand: 'admit' })
  const exclusive = packingOf(market, { exclusive: true })

  it('with one request for each resource: greedy 824.555, the best 824.746', () => {
    expect(candidates.utility.length).toBe(2_168_331)
    expect(greedyAllocation(candidates, exclusive).value).toBeCloseTo(824.555, 3)
    expect(optimalAssignment(candidates, market.resources.length).value).toBeCloseTo(824.746, 3)
  })

  it('with shared capacity: greedy 1,915 winners worth 1783.529, local search more, nearly all there is', () => {
    const greedy = greedyAllocation(candidates, market)
    expect(greedy.order.length).toBe(1915)
    expect(greedy.value).toBeCloseTo(1783.529, 3)
    const { value } = localSearch(candidates, market, { start: greedy, evaluations: 1_000_000 })
    const { bound } = upperBound(candidates, packingOf(market), { value, steps: 15 })
    expect(value).toBeGreaterThan(1820)
    expect((bound - value) / bound).toBeLessThan(0.005)
  })

  it('as its program counted: efficiency .2625, revenue 56.66, and 119.81 without counting demand twice', () => {
    const pairs = mohaf2025Candidates(market)
    const allocation = greedyAllocation(pairs, exclusive)
    const { revenue, legacyRevenue } = mohaf2025Payments(market, pairs, allocation)
    expect(allocation.value).toBeCloseTo(932.689, 3)
    expect(allocation.value / market.requests.length).toBeCloseTo(0.2625, 4)
    expect(legacyRevenue).toBeCloseTo(56.6645, 4)
    expect(revenue).toBeCloseTo(119.8076, 4)
  })

  it('is as fair among all as 888 equal winners of 3,553: .2499', () => {
    expect(jainIndex(market.requests.map((_, at) => (at < 888 ? 1 : 0)))).toBeCloseTo(0.2499, 4)
  })
})

describe.skipIf(sharedData === undefined)('generalised assignment problems', { timeout: 60_000 }, () => {
  it.each([
    ['c0515_1', 336],
    ['c0520_4', 419],
    ['c0530_4', 647],
    ['c0832_3', 758],
  ])('%s: local search comes within 2 percent of the optimum %i, the bound is above', (name, optimum) => {
    const { candidates, packing } = parseGapInstance(published(`gap/${name}`))
    const { value } = localSearch(candidates, packing)
    expect(value).toBeLessThanOrEqual(optimum)
    expect(value).toBeGreaterThanOrEqual(0.98 * optimum)
    expect(upperBound(candidates, packing, { value }).bound).toBeGreaterThanOrEqual(optimum)
    expect(solveBySearch(candidates, packing, 100)).toBeNull()
  })

  it('are refused when the text is cut short', () => {
    expect(() => parseGapInstance(published('gap/c0515_1').slice(0, 300))).toThrow(/Not a generalised/)
  })
})
