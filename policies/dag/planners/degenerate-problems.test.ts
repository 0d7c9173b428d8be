import { describe, expect, it } from 'vitest'
import { improvingPlanner } from '../../pipeline/index.ts'
import {
  allLocalReference,
  greedy,
  type Planner,
  pilotHeft,
  type ScheduleWeights,
  schedulingProblem,
  solveExactly,
} from '../index.ts'
import { everyPlanner, expectPossible } from './planners.test.kit.ts'
import { costFor, leastCost } from './problems.test.kit.ts'

const untilDone = { budgetMs: 1, clock: () => 0 }

const exact: Planner = {
  name: 'exact',
  plan: (problem, goal) => solveExactly(problem, goal, untilDone).plan,
}

const all: readonly Planner[] = [...everyPlanner, improvingPlanner, exact]

const platform = {
  devices: [{ name: 'd', cyclesPerS: 1, cycleJ: 0, transmitW: 0.5, idleW: 0 }],
  servers: [{ name: 's', cyclesPerS: 2, cycleJ: 1 }],
  uplinkBps: [[1]],
  downlinkBps: [[1]],
  betweenServersBps: 1,
}
const diamond = (cycles: number) =>
  schedulingProblem(platform, [
    {
      graph: {
        tasks: [
          { id: 'a', cycles, inputBits: 1 },
          { id: 'b', cycles, after: [{ task: 'a', bits: 1 }] },
          { id: 'c', cycles, after: [{ task: 'a', bits: 1 }] },
          { id: 'd', cycles, after: ['b', 'c'].map((task) => ({ task, bits: 1 })) },
        ],
      },
      device: 0,
      arrivalS: 0,
    },
  ])

const both: ScheduleWeights = { latency: 0.5, energy: 0.5 }

describe.each(all.map((planner) => [planner.name, planner] as const))('%s', (_, planner) => {
  it.each([
    ['of which no energy is known', diamond(2), both],
    ['that takes neither time nor energy', diamond(0), both],
  ])('plans a problem %s', (_, problem, weights) => {
    const goal = { weights, reference: allLocalReference(problem) }
    const plan = planner.plan(problem, goal)
    expectPossible(problem, plan)
    expect(costFor(problem, goal)(plan)).toBeLessThan(Infinity)
  })

  it('plans nothing for no jobs, and ends', () => {
    const problem = schedulingProblem(platform, [])
    const goal = { weights: both, reference: allLocalReference(problem) }
    const plan = planner.plan(problem, goal)
    expect([plan.host.length, plan.sequence.length]).toEqual([0, 0])
    expect(costFor(problem, goal)(plan)).toBe(0)
  })

  it('keeps to where a task may run, also where that is not its device', () => {
    const problem = diamond(2)
    problem.executionS[1 * problem.hosts] = Infinity
    const reference = { latencyS: 1, energyJ: 1 }
    expectPossible(problem, planner.plan(problem, { weights: both, reference }))
  })
})

describe('a planning goal', () => {
  const comparing = all.filter((planner) =>
    [greedy.name, exact.name, 'local search', 'ant colony', pilotHeft().name].includes(planner.name),
  )
  it.each(comparing.map((planner) => [planner.name, planner] as const))(
    'by which nothing can be compared is refused: %s',
    (_, planner) => {
      const reference = { latencyS: 1, energyJ: 1 }
      for (const goal of [
        { weights: { latency: 1 }, reference: { ...reference, latencyS: 0 } },
        { weights: { energy: 1 }, reference: { ...reference, energyJ: Infinity } },
        { weights: { energy: 1 }, reference: { ...reference, energyJ: Number.NaN } },
        { weights: { latency: Number.NaN }, reference },
        { weights: { latency: -1 }, reference },
      ]) {
        expect(() => planner.plan(diamond(2), goal)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }))
      }
    },
  )
})

it('the optimum of a problem without energy is what trying everything finds', () => {
  for (const cycles of [0, 1, 2]) {
    const problem = diamond(cycles)
    const goal = { weights: both, reference: allLocalReference(problem) }
    const { cost, optimal } = solveExactly(problem, goal, untilDone)
    expect(optimal).toBe(true)
    expect(cost).toBeCloseTo(leastCost(problem, goal), 9)
  }
})

describe('a platform', () => {
  const [device] = platform.devices
  const [server] = platform.servers
  const job = { graph: { tasks: [{ id: 'a', cycles: 1e18, inputBits: 1e18 }] }, device: 0, arrivalS: 0 }
  it.each([
    ['a speed that makes times infinite', { devices: [{ ...device!, cyclesPerS: 1e-300 }] }],
    ['a link that makes times infinite', { uplinkBps: [[1e-300]] }],
    ['a way back that makes times infinite', { downlinkBps: [[5e-324]] }],
    ['an energy that makes sums infinite', { servers: [{ ...server!, cycleJ: 1e300 }] }],
    ['a speed that is no number', { servers: [{ ...server!, cyclesPerS: Number.NaN }] }],
  ])('with %s is refused', (_, change) => {
    const refused = expect.objectContaining({ code: 'BAD_PLATFORM' })
    expect(() => schedulingProblem({ ...platform, ...change }, [job])).toThrow(refused)
  })

  it.each([Number.NaN, Infinity, 1e300])('is not given a job or a host of the moment %s', (moment) => {
    expect(() => schedulingProblem(platform, [{ ...job, arrivalS: moment }])).toThrow(/arrivalS/)
    expect(() => schedulingProblem(platform, [job], [0, moment])).toThrow(/freeAtS\[1\]/)
  })
})
