import { describe, expect, it } from 'vitest'
import { RandomStream } from '../../env/index.ts'
import { type AntColonyOptions, antColony, heft, randomPlanner, solveExactly } from '../index.ts'
import { costFor, goalOf } from './problems.test.kit.ts'
import { randomProblem } from './random-problem.ts'

const problemOf = (seed: number, tasks: number) =>
  randomProblem(new RandomStream(seed, 4711), {
    tasks,
    shape: seed % 2 ? 'narrow' : 'wide',
    ratio: [0.1, 0.5, 1, 2][seed % 4]!,
  })

const even = (problem: { tasks: number; hosts: number }) =>
  new Float64Array(problem.tasks * problem.hosts).fill(1)

describe('the ant colony', () => {
  it('finds the optimum of small problems for at least 95 % of seeds', () => {
    let found = 0
    for (let seed = 0; seed < 40; seed++) {
      const problem = problemOf(seed, 6 + (seed % 5))
      const goal = goalOf(problem, seed % 3 === 0 ? 0.6 : 1)
      const colony = antColony({ random: new RandomStream(seed), evaluations: 15_000 })
      const cost = costFor(problem, goal)(colony.plan(problem, goal))
      const exact = solveExactly(problem, goal, { budgetMs: 1, clock: () => 0, tableMiB: 4 })
      expect(exact.optimal).toBe(true)
      if (cost <= exact.cost * (1 + 1e-6)) found++
    }
    expect(found).toBeGreaterThanOrEqual(38)
  })

  it('is never worse than its seed, and tells of ever cheaper plans', () => {
    for (let seed = 0; seed < 20; seed++) {
      const problem = problemOf(seed, 20)
      const goal = goalOf(problem, 1)
      const told: number[] = []
      const colony = antColony({
        random: new RandomStream(seed),
        iterations: 4,
        ants: 5,
        onBest: (cost) => told.push(cost),
      })
      const cost = costFor(problem, goal)
      const end = cost(colony.plan(problem, goal))
      expect(told[0]).toBeCloseTo(cost(heft.plan(problem, goal)), 12)
      expect(told.at(-1)).toBeCloseTo(end, 12)
      for (let at = 1; at < told.length; at++) expect(told[at]).toBeLessThan(told[at - 1]!)
      const stopped = antColony({ random: new RandomStream(seed), evaluations: 1 }).plan(problem, goal)
      expect(cost(stopped)).toBe(cost(heft.plan(problem, goal)))
    }
  })

  it('stops by the clock that it is given, and does the same again for the same seed', () => {
    const problem = problemOf(2, 20)
    const goal = goalOf(problem, 1)
    let now = 0
    antColony({ random: new RandomStream(0), budgetMs: 25, clock: () => now++ }).plan(problem, goal)
    expect(now).toBeGreaterThan(24)
    expect(now).toBeLessThan(35)
    const plan = () => antColony({ random: new RandomStream(5), evaluations: 2000 }).plan(problem, goal)
    expect(plan()).toEqual(plan())
  })

  it('makes more of its seed and scores than they are, and than a colony makes of none in as many evaluations', () => {
    const evaluations = 300
    const mean = (options: (seed: number) => Omit<AntColonyOptions, 'random'>) => {
      let sum = 0
      for (let seed = 0; seed < 40; seed++) {
        const problem = problemOf(seed, 20)
        const goal = goalOf(problem, 1)
        const colony = antColony({ random: new RandomStream(seed), evaluations, ...options(seed) })
        sum += costFor(problem, goal)(colony.plan(problem, goal))
      }
      return sum / 40
    }
    const seedOnly = mean(() => ({ iterations: 0 }))
    const colonyOnly = mean((seed) => ({ seed: randomPlanner(new RandomStream(seed)), scores: even }))
    const both = mean(() => ({}))
    expect(both).toBeLessThan(seedOnly)
    expect(both).toBeLessThan(colonyOnly)
  })

  it('follows the scores that it is handed', () => {
    const problem = problemOf(0, 12)
    const goal = goalOf(problem, 1)
    const only = 2
    const scores = () =>
      Float64Array.from({ length: problem.tasks * problem.hosts }, (_, at) =>
        at % problem.hosts === only ? 1 : 1e-9,
      )
    const seen: number[] = []
    // The seed, then one ant without local search.
    const colony = antColony({
      random: new RandomStream(0),
      ants: 1,
      evaluations: 2,
      scores,
      seed: { name: 'worst', plan: (...of) => randomPlanner(new RandomStream(3)).plan(...of) },
      onBest: (cost) => seen.push(cost),
    })
    const plan = colony.plan(problem, goal)
    expect(seen.length).toBe(2)
    expect(new Set(plan.host)).toEqual(new Set([only]))
  })

  it.each([{ ants: 0 }, { rho: 0 }, { beta: -1 }, { elites: 0 }, { iterations: 0.5 }, { budgetMs: 5 }])(
    'refuses %j',
    (options) => {
      expect(() => antColony({ random: new RandomStream(0), ...options })).toThrow(
        expect.objectContaining({ code: 'BAD_OPTION' }),
      )
    },
  )
})
