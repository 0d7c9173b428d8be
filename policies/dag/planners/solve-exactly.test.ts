import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RandomStream } from '../../env/index.ts'
import { BranchAndBound } from './exact/branch-and-bound.ts'
import { costUnits } from './exact/cost-units.ts'
import { costFor, goalOf, goals, leastCost, smallProblems } from './problems.test.kit.ts'
import { randomProblem } from './random-problem.ts'
import { solveExactly } from './solve-exactly.ts'

const untilDone = { budgetMs: 1, clock: () => 0 }

describe('the exact solver', () => {
  it('finds what trying everything finds, and proves it', () => {
    fc.assert(
      fc.property(smallProblems(6), goals, (problem, latency) => {
        const goal = goalOf(problem, latency)
        const { plan, cost, lowerBound, optimal } = solveExactly(problem, goal, untilDone)
        const least = leastCost(problem, goal)
        expect(optimal).toBe(true)
        expect(Math.abs(cost - least)).toBeLessThanOrEqual(1e-8 * least)
        expect(costFor(problem, goal)(plan)).toBe(cost)
        expect(lowerBound).toBe(cost)
      }),
      { numRuns: 150 },
    )
  })

  it('finds it without a good plan to start from as well', () => {
    fc.assert(
      fc.property(smallProblems(5), goals, (problem, latency) => {
        const goal = goalOf(problem, latency)
        const search = new BranchAndBound(costUnits(problem, goal), 2 ** 20)
        search.advance(1e9, Infinity, () => false)
        expect(search.complete).toBe(true)
        const least = leastCost(problem, goal)
        expect(Math.abs(costFor(problem, goal)(search.best!) - least)).toBeLessThanOrEqual(1e-8 * least)
      }),
      { numRuns: 100 },
    )
  })

  it('comes to the same optimum with next to no memory for what it has seen', () => {
    for (const seed of [0, 1, 2]) {
      const problem = randomProblem(new RandomStream(seed), { tasks: 12, shape: 'wide', ratio: 0.5 })
      const goal = goalOf(problem, 0.8)
      const roomy = solveExactly(problem, goal, untilDone)
      const units = costUnits(problem, goal)
      const tight = new BranchAndBound(units, 4096)
      tight.advance(Infinity, Infinity, () => false)
      expect(costFor(problem, goal)(tight.best!)).toBeCloseTo(roomy.cost, 9)
    }
  })

  it('gives a plan and a bound that holds when the budget ends first', () => {
    const problem = randomProblem(new RandomStream(3), { tasks: 16, shape: 'wide', ratio: 0.5 })
    const goal = goalOf(problem, 1)
    const whole = solveExactly(problem, goal, untilDone)
    expect(whole.optimal).toBe(true)
    for (const maxNodes of [0, 200, 2000]) {
      const part = solveExactly(problem, goal, { ...untilDone, maxNodes })
      expect(part.optimal).toBe(false)
      expect(part.nodes).toBeLessThan(whole.nodes)
      expect(part.lowerBound).toBeLessThanOrEqual(whole.cost)
      expect(part.lowerBound).toBeGreaterThan(0.3 * whole.cost)
      expect(part.cost).toBeGreaterThanOrEqual(whole.cost * (1 - 1e-9))
    }
    let now = 0
    const late = solveExactly(problem, goal, { budgetMs: 50, clock: () => now++ })
    expect(late.optimal).toBe(false)
    expect(now).toBeLessThan(200)
  })

  it('refuses what it cannot do', () => {
    const problem = randomProblem(new RandomStream(0), { tasks: 3, shape: 'narrow', ratio: 1 })
    const goal = goalOf(problem, 1)
    const refused = expect.objectContaining({ code: 'BAD_OPTION' })
    const uneven = { ...goal, weights: { latency: 1, imbalance: 1 } }
    expect(() => solveExactly(problem, uneven, untilDone)).toThrow(refused)
    expect(() => solveExactly(problem, goal, { ...untilDone, budgetMs: -1 })).toThrow(refused)
    const large = randomProblem(new RandomStream(0), { tasks: 65, shape: 'narrow', ratio: 1 })
    expect(() => solveExactly(large, goal, untilDone)).toThrow(/tasks is 65/)
  })
})
