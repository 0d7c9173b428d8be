import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RandomStream } from '../../../env/index.ts'
import { costFor, goalOf, goals, leastCost, smallProblems } from '../problems.test.kit.ts'
import { randomProblem } from '../random-problem.ts'
import { AssignmentSearch } from './assignment-search.ts'
import { BranchAndBound } from './branch-and-bound.ts'
import { costUnits } from './cost-units.ts'
import type { ExactSearch } from './exact-search.ts'
import { takeTurns } from './take-turns.ts'

const never = () => false

describe('the search by assignment', () => {
  it('finds what trying everything finds, whether it looks for anything or for little better', () => {
    fc.assert(
      fc.property(smallProblems(5), goals, (problem, latency) => {
        const goal = goalOf(problem, latency)
        const units = costUnits(problem, goal)
        const least = leastCost(problem, goal)
        for (const limit of [1e9, least * (1 + 1e-7) + 1e-12]) {
          const search = new AssignmentSearch(units)
          search.advance(limit, Infinity, never)
          expect(search.complete).toBe(true)
          expect(Math.abs(costFor(problem, goal)(search.best!) - least)).toBeLessThanOrEqual(1e-8 * least)
        }
      }),
      { numRuns: 100 },
    )
  })

  it('finds nothing below the optimum', () => {
    fc.assert(
      fc.property(smallProblems(5), goals, (problem, latency) => {
        const goal = goalOf(problem, latency)
        const search = new AssignmentSearch(costUnits(problem, goal))
        search.advance(leastCost(problem, goal) * (1 - 1e-8), Infinity, never)
        expect(search.complete).toBe(true)
        expect(search.best).toBeUndefined()
      }),
      { numRuns: 50 },
    )
  })

  it('comes to the same when it is left and gone on with, and another search tells what it has found', () => {
    fc.assert(
      fc.property(smallProblems(5), goals, fc.integer({ min: 1, max: 4 }), (problem, latency, nodes) => {
        const goal = goalOf(problem, latency)
        const units = costUnits(problem, goal)
        const searches: ExactSearch[] = [new AssignmentSearch(units), new BranchAndBound(units, 2 ** 16)]
        let limit = 1e9
        for (let at = 0; !searches.some(({ complete }) => complete); at = 1 - at) {
          searches[at]!.advance(limit, nodes, never)
          limit = Math.min(limit, searches[at]!.limit)
        }
        const found = searches.flatMap(({ best }) => (best ? [costFor(problem, goal)(best)] : []))
        const least = leastCost(problem, goal)
        expect(Math.abs(Math.min(...found) - least)).toBeLessThanOrEqual(1e-8 * least)
      }),
      { numRuns: 100 },
    )
  })

  it('agrees with the search by sequence on larger problems', () => {
    for (const seed of [0, 1, 2, 3]) {
      const problem = randomProblem(new RandomStream(seed), { tasks: 10, shape: 'wide', ratio: 0.2 })
      const goal = goalOf(problem, seed % 2 === 0 ? 1 : 0.8)
      const units = costUnits(problem, goal)
      const [byAssignment, bySequence] = [new AssignmentSearch(units), new BranchAndBound(units, 2 ** 20)]
      for (const search of [byAssignment, bySequence]) search.advance(Infinity, Infinity, never)
      const cost = costFor(problem, goal)
      expect(cost(byAssignment.best!)).toBeCloseTo(cost(bySequence.best!), 9)
    }
  })
})

describe('searches that take turns', () => {
  it('look at no more nodes than they may, and stop when it is late', () => {
    const problem = randomProblem(new RandomStream(3), { tasks: 16, shape: 'wide', ratio: 0.5 })
    const units = costUnits(problem, goalOf(problem, 1))
    const pair = () => [new AssignmentSearch(units), new BranchAndBound(units, 2 ** 20)] as const
    const few = pair()
    expect(takeTurns(few, 1e9, 100, never)).toBe(false)
    const nodes = few[0].nodes + few[1].nodes
    expect(nodes).toBeGreaterThanOrEqual(100)
    expect(nodes).toBeLessThan(103)
    const stopped = pair()
    let looks = 0
    expect(takeTurns(stopped, 1e9, Infinity, () => ++looks > 20)).toBe(false)
    expect(looks).toBeLessThan(30)
    expect(takeTurns(pair(), 1e9, Infinity, never)).toBe(true)
  })
})
