import { describe, expect, it } from 'vitest'
import { RandomStream } from '../../env/index.ts'
import {
  allLocalReference,
  costOfPlan,
  dividedPlan,
  greedy,
  outcomeOf,
  PlanCost,
  type Platform,
  randomProblem,
  type SchedulePlan,
  schedulingProblem,
  type Task,
  timelineOf,
} from '../index.ts'

/** A device of 1 GHz, a server of 4 GHz, 10 Mbit/s up and 20 down. */
const platform: Platform = {
  devices: [{ name: 'd', cyclesPerS: 1e9, cycleJ: 1e-9, transmitW: 1, idleW: 0.1 }],
  servers: [{ name: 's', cyclesPerS: 4e9, cycleJ: 2e-9 }],
  uplinkBps: [[1e7]],
  downlinkBps: [[2e7]],
  betweenServersBps: 1e9,
}
const task: Task = { id: 'a', cycles: 4e9, inputBits: 1e7, outputBits: 4e6, divisible: true }
const problemOf = (tasks: readonly Task[]) =>
  schedulingProblem(platform, [{ graph: { tasks }, device: 0, arrivalS: 2 }])
const plan = (...shares: number[]): SchedulePlan => ({
  host: new Int32Array(shares.length).fill(1),
  sequence: Int32Array.from(shares.keys()),
  share: Float64Array.from(shares),
})

describe('a plan that divides tasks', () => {
  it.each<[string, SchedulePlan, boolean, RegExp]>([
    ['no number', plan(1, Number.NaN), true, /share of task 1 is NaN; it must be above 0/],
    ['nothing', plan(0, 1), true, /task 0 is 0;/],
    ['less than nothing', plan(-1, 1), true, /task 0 is -1;/],
    ['more than all', plan(1, 1.5), true, /task 1 is 1\.5;/],
    ['too few shares', { ...plan(1, 1), share: Float64Array.of(1) }, true, /task 1 is undefined;/],
    ['half of what is not divisible', plan(1, 0.5), false, /task 1 is 0\.5; the task is not divisible/],
    ['half of what is on a device', { ...plan(1, 0.5), host: Int32Array.of(1, 0) }, true, /is on a device/],
  ])('is not scored with %s', (_, bad, divisible, reason) => {
    const problem = problemOf([task, { id: 'b', cycles: 4e9, after: [{ task: 'a', bits: 1e7 }], divisible }])
    expect(() => timelineOf(problem, bad)).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringMatching(reason) }),
    )
  })

  it('takes as long, and costs as much, as can be worked out by hand', () => {
    const problem = problemOf([task])
    const divided = plan(0.75)
    const timeline = timelineOf(problem, divided)
    // Server: 0.75 s up, 0.75 s of work, 0.15 s down. Device: 1 s.
    expect([...timeline.startS]).toEqual([2.75, 2])
    expect([...timeline.finishS]).toEqual([3.5, 3])
    const { latencyS, energyJ, deviceEnergyJ } = outcomeOf(problem, divided, timeline)
    expect(latencyS).toBeCloseTo(1.65, 12)
    // 3e9 and 1e9 cycles; 0.75 s of sending, and of waiting for the server.
    expect(deviceEnergyJ).toBeCloseTo(1 + 0.75 + 0.075, 12)
    expect(energyJ).toBeCloseTo(6 + 1 + 0.75 + 0.075, 12)
  })

  it('ends a task when both of its parts have ended, and hands on what each has', () => {
    const problem = problemOf([
      task,
      { id: 'b', cycles: 4e9, after: [{ task: 'a', bits: 1e7 }], divisible: true },
    ])
    const { finishS } = timelineOf(problem, plan(0.5, 1))
    // The device has its half of a done at 4; half of a's bits go up from there.
    expect([...finishS]).toEqual([3, 2 + 2 + 0.5 + 1, 4])
    const both = timelineOf(problem, plan(0.5, 0.5))
    // The device's half of b needs a quarter of the bits, 0.125 s down, which are there long before it is free.
    expect([...both.finishS]).toEqual([3, 2 + 2 + 0.25 + 0.5, 4, 6])
  })

  it('is scored as any other: with shares of 1 as if it divided nothing', () => {
    for (let seed = 0; seed < 20; seed++) {
      const drawn = randomProblem(new RandomStream(seed), { tasks: 12, shape: 'wide', ratio: 1 })
      const problem = { ...drawn, divisible: new Uint8Array(drawn.tasks).fill(1) }
      const goal = {
        weights: { latency: 1, energy: 0.3, imbalance: 0.1 },
        reference: allLocalReference(problem),
      }
      const whole = greedy.plan(problem, goal)
      const cost = costOfPlan(problem, whole, goal.weights, goal.reference)
      const ones = { ...whole, share: new Float64Array(problem.tasks).fill(1) }
      expect(costOfPlan(problem, ones, goal.weights, goal.reference)).toBe(cost)
      const shares = { ...whole, share: ones.share.map((_, at) => (whole.host[at] === 0 ? 1 : 0.6)) }
      const divided = costOfPlan(problem, shares, goal.weights, goal.reference)
      expect(divided).not.toBe(cost)
      expect(new PlanCost(problem, goal).of(shares)).toBe(divided)
    }
  })

  it('adds nothing and loses nothing: work, bits and energy of the parts are those of the tasks', () => {
    const problem = problemOf([
      task,
      { id: 'b', cycles: 4e9, after: [{ task: 'a', bits: 1e7 }], divisible: true },
    ])
    const { problem: parts, plan: ofParts } = dividedPlan(problem, plan(0.3, 0.6))
    const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0)
    for (const name of ['executionJ', 'executionS', 'inputJ', 'returnS', 'inBits', 'outBits'] as const)
      expect(sum(parts[name])).toBeCloseTo(sum(problem[name]), 6)
    expect([...ofParts.sequence]).toEqual([0, 2, 1, 3])
    expect(parts.source).toHaveLength(4)
  })
})
