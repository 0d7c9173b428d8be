import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RandomStream } from '../../env/index.ts'
import {
  allLocal,
  allLocalReference,
  greedy,
  heft,
  localSearch,
  PlanCost,
  type Planner,
  pilotHeft,
  randomPlanner,
  rankOrder,
  type SchedulePlan,
  schedulingProblem,
  timelineOf,
  upwardRank,
} from '../index.ts'
import { HostSlots } from './host-slots.ts'
import { everyPlanner, expectPossible, untrainedAgent } from './planners.test.kit.ts'
import { costFor, goalOf, goals, smallProblems } from './problems.test.kit.ts'
import { randomProblem } from './random-problem.ts'

const wide = (seed: number, tasks = 16) =>
  randomProblem(new RandomStream(seed, 77), { tasks, shape: 'wide', ratio: 1 })

describe('every planner', () => {
  it.each(everyPlanner.map((planner) => [planner.name, planner] as const))(
    '%s gives plans that can be run',
    (_, planner) => {
      fc.assert(
        fc.property(smallProblems(8), goals, (problem, latency) => {
          const goal = goalOf(problem, latency)
          const plan = planner.plan(problem, goal)
          expectPossible(problem, plan)
          expect(costFor(problem, goal)(plan)).toBeLessThan(Infinity)
        }),
        { numRuns: 60 },
      )
    },
  )
})

describe('upward rank', () => {
  /** Two hosts; the second twice as fast; 1 s a bit between them. */
  const platform = {
    devices: [{ name: 'd', cyclesPerS: 1, cycleJ: 1, transmitW: 1, idleW: 0 }],
    servers: [{ name: 's', cyclesPerS: 2, cycleJ: 1 }],
    uplinkBps: [[1]],
    downlinkBps: [[1]],
    betweenServersBps: 1,
  }

  it('is the mean execution and the longest mean way behind it', () => {
    const tasks = [
      { id: 'a', cycles: 4 },
      { id: 'b', cycles: 2, after: [{ task: 'a', bits: 2 }], outputBits: 3 },
      { id: 'c', cycles: 8, after: [{ task: 'a', bits: 0 }] },
    ]
    const problem = schedulingProblem(platform, [{ graph: { tasks }, device: 0, arrivalS: 0 }])
    // Means: (4 + 2) / 2 and so on; half of the pairs of hosts pay 1 s a bit; half of the hosts send the output.
    const rank = { b: 1.5 + 1.5, c: 6, a: 3 + Math.max(1 + 3, 0 + 6) }
    expect([...upwardRank(problem)]).toEqual([rank.a, rank.b, rank.c])
    expect([...rankOrder(problem)]).toEqual([0, 2, 1])
  })

  it('lets HEFT use a gap that appending would leave', () => {
    const tasks = [
      { id: 'first', cycles: 2 },
      { id: 'far', cycles: 10, after: [{ task: 'first', bits: 1 }] },
    ]
    const problem = schedulingProblem(platform, [
      { graph: { tasks }, device: 0, arrivalS: 0 },
      { graph: { tasks: [{ id: 'small', cycles: 2 }] }, device: 0, arrivalS: 0 },
    ])
    const slots = new HostSlots(problem)
    slots.place(0, 0)
    slots.place(1, 1)
    expect([slots.startS[1], slots.earliestStartS(2, 1)]).toEqual([3, 0])
    slots.place(2, 1)
    const plan = slots.plan()
    expect([...plan.sequence]).toEqual([2, 0, 1])
    expect([...timelineOf(problem, plan).startS]).toEqual([0, 3, 0])
    slots.remove(2)
    slots.remove(1)
    expect(slots.earliestStartS(2, 1)).toBe(0)
  })
})

describe('HEFT', () => {
  it('is on average better than greedy, random and all local, and no better than local search from it', () => {
    const mean = (planner: Planner) => {
      let sum = 0
      for (let seed = 0; seed < 40; seed++) {
        const problem = wide(seed)
        const goal = goalOf(problem, 1)
        sum += costFor(problem, goal)(planner.plan(problem, goal))
      }
      return sum / 40
    }
    const own = mean(heft)
    expect(own).toBeLessThan(mean(greedy))
    expect(own).toBeLessThan(mean(randomPlanner(new RandomStream(0))))
    expect(own).toBeLessThan(mean(allLocal))
    expect(mean(localSearch())).toBeLessThan(own)
  })
})

describe('pilot HEFT', () => {
  it('is never worse than HEFT, an agent that was not trained neither, and on average both are much better', () => {
    const gains = [pilotHeft(1), pilotHeft(), untrainedAgent()].map((planner) => {
      let sum = 0
      for (let seed = 0; seed < 30; seed++) {
        const problem = wide(seed)
        const goal = goalOf(problem, 1)
        const cost = costFor(problem, goal)
        const ratio = cost(planner.plan(problem, goal)) / cost(heft.plan(problem, goal))
        expect(ratio).toBeLessThan(1 + 1e-9)
        sum += ratio / 30
      }
      return 1 - sum
    })
    expect(Math.min(...gains)).toBeGreaterThan(0.01)
    // Looking at more ready tasks helps.
    expect(gains[1]).toBeGreaterThan(gains[0]!)
  })
})

describe('an agent', () => {
  it('with more passes is never worse, mostly better, and plans the same again', () => {
    let better = 0
    for (let seed = 0; seed < 12; seed++) {
      const problem = wide(seed)
      const goal = goalOf(problem, 1)
      const cost = costFor(problem, goal)
      const plan = untrainedAgent(6).plan(problem, goal)
      const once = cost(untrainedAgent().plan(problem, goal))
      expect(cost(plan)).toBeLessThanOrEqual(once)
      if (cost(plan) < once) better++
      expect(untrainedAgent(6).plan(problem, goal)).toEqual(plan)
    }
    expect(better).toBeGreaterThan(4)
    expect(() => untrainedAgent(0)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }))
  })
})

describe('greedy', () => {
  it('follows the weights: less energy where energy counts, less time where time does', () => {
    const at = (latency: number) => {
      const problem = wide(5)
      const goal = goalOf(problem, latency)
      const cost = (share: number, plan: SchedulePlan) => costFor(problem, goalOf(problem, share))(plan)
      const plan = greedy.plan(problem, goal)
      return { time: cost(1, plan), energy: cost(0, plan) }
    }
    expect(at(1).time).toBeLessThan(at(0).time)
    expect(at(0).energy).toBeLessThan(at(1).energy)
  })

  it('spreads work where imbalance counts', () => {
    const problem = wide(6)
    const reference = allLocalReference(problem)
    const imbalance = (weights: object) => {
      const plan = greedy.plan(problem, { weights, reference })
      return new PlanCost(problem, { weights: { imbalance: 1 }, reference }).of(plan)
    }
    expect(imbalance({ latency: 1, imbalance: 10 })).toBeLessThan(imbalance({ latency: 1 }))
  })
})

describe('the cost that searches use', () => {
  it('is the cost that scores plans', () => {
    fc.assert(
      fc.property(smallProblems(8), goals, (problem, latency) => {
        const weights = { latency, energy: 1 - latency, imbalance: 0.3 }
        const goal = { weights, reference: allLocalReference(problem) }
        const plan = randomPlanner(new RandomStream(problem.tasks)).plan(problem, goal)
        expect(new PlanCost(problem, goal).of(plan)).toBeCloseTo(costFor(problem, goal)(plan), 12)
      }),
    )
  })
})

describe('local search', () => {
  it('is never worse than its seed, ends where no move helps, and goes on from there with random moves', () => {
    for (let seed = 0; seed < 10; seed++) {
      const problem = wide(seed, 14)
      const goal = goalOf(problem, 0.8)
      const cost = costFor(problem, goal)
      const start = randomPlanner(new RandomStream(seed))
      const from = start.plan(problem, goal)
      const once = localSearch({ seed: { name: 'fixed', plan: () => from } }).plan(problem, goal)
      expect(cost(once)).toBeLessThan(cost(from))
      const again = localSearch({ seed: { name: 'fixed', plan: () => once } }).plan(problem, goal)
      expect(cost(again)).toBe(cost(once))
      const further = localSearch({
        seed: { name: 'fixed', plan: () => once },
        random: new RandomStream(9),
        evaluations: 20_000,
      })
      expect(cost(further.plan(problem, goal))).toBeLessThanOrEqual(cost(once))
    }
  })

  it('keeps to its budget', () => {
    const problem = wide(1)
    const goal = goalOf(problem, 1)
    let now = 0
    const clock = () => now++
    localSearch({ random: new RandomStream(0), budgetMs: 20, clock }).plan(problem, goal)
    expect(now).toBeGreaterThan(19)
    expect(now).toBeLessThan(30)
    const refused = expect.objectContaining({ code: 'BAD_OPTION' })
    expect(() => localSearch({ random: new RandomStream(0) })).toThrow(refused)
    expect(() => localSearch({ budgetMs: 5 })).toThrow(refused)
  })
})
