import { describe, expect, it } from 'vitest'
import { arrivalTime, probabilityInTime } from '../../arrival.ts'
import { type EnvironmentPolicy, SplitEnvironment, type SplitObservation } from '../../env/index.ts'
import {
  allLocal,
  deadlineRule,
  type Expected,
  expectationOf,
  fixedMode,
  GreedySplit,
  HindsightGreedy,
  measuredCost,
  playSplit,
} from './index.ts'

const even = [1 / 3, 1 / 3, 1 / 3]
const range = { firstSeed: 100, episodes: 8 }
const environment = new SplitEnvironment({ frames: 100 })
const every: EnvironmentPolicy<SplitObservation>[] = [
  allLocal(),
  fixedMode(8),
  fixedMode(15, 1),
  deadlineRule(),
  measuredCost(),
  new GreedySplit(),
  new HindsightGreedy(environment),
]
const cost = (policy: EnvironmentPolicy<SplitObservation>, weights: readonly number[]) => {
  const { delayS, energyJ, error } = playSplit(environment, policy, weights, range)
  return weights[0]! * 5 * delayS + weights[1]! * 30 * energyJ + weights[2]! * 4 * error
}

describe('rules for split', () => {
  for (const policy of every) {
    it(`choose valid actions, also without credits, and repeat themselves by seed: ${policy.name}`, () => {
      const first = playSplit(environment, policy, even, range)
      expect(playSplit(environment, policy, even, range)).toEqual(first)
      expect(first.frames).toBe(800)
      const crowded = new SplitEnvironment({ frames: 100, credits: 1, frameS: 0.03 })
      const own = policy.name === 'hindsight-greedy' ? new HindsightGreedy(crowded) : policy
      expect(playSplit(crowded, own, even, range).frames).toBe(800)
    })
  }

  it('stay on the device, or in one mode', () => {
    const { observation } = environment.reset({ seed: 1 })
    expect(observation.modes[allLocal().act(observation, even)]!.route).toBe('local')
    const chosen = observation.modes[fixedMode(15, 1).act(observation, even)]!
    expect([chosen.mode, chosen.server]).toEqual([15, 1])
  })

  it('greedy follows the preference, and beats every rule that knows none', () => {
    const mean = (weights: readonly number[]) =>
      playSplit(environment, new GreedySplit(), weights, { firstSeed: 0, episodes: 20 })
    expect(mean([1, 0, 0]).delayS).toBeLessThan(mean([0, 0, 1]).delayS)
    expect(mean([0, 1, 0]).energyJ).toBeLessThan(mean([0, 0, 1]).energyJ)
    expect(mean([0, 0, 1]).error).toBeLessThan(mean([1, 0, 0]).error)
    for (const policy of every.slice(0, 5))
      expect(cost(new GreedySplit(), even)).toBeLessThan(cost(policy, even))
  })

  it('hindsight is worth something', () => {
    expect(cost(new HindsightGreedy(environment), even)).toBeLessThan(cost(new GreedySplit(), even))
  })

  it('expect what the controller expects', () => {
    const { observation } = environment.reset({ seed: 3 })
    const out: Expected = { medianMs: 0, spreadMs: 0, inTime: 0 }
    for (let frame = 0; frame < 60; frame++) {
      for (const [action, mode] of observation.modes.entries()) {
        expectationOf(observation, action, out)
        const arrival = arrivalTime(mode, observation.link)
        expect(out.medianMs).toBeCloseTo(arrival.medianMs, 9)
        expect(out.spreadMs).toBeCloseTo(arrival.spreadMs, 9)
        expect(out.inTime).toBeCloseTo(probabilityInTime(arrival, observation.deadlineMs), 9)
      }
      environment.step(frame % observation.modes.length)
    }
  })

  it('the deadline rule takes the most accurate candidate that is expected in time', () => {
    const { observation } = environment.reset({ seed: 5 })
    const out: Expected = { medianMs: 0, spreadMs: 0, inTime: 0 }
    const act = (deadlineMs: number) => deadlineRule({ margin: 0 }).act({ ...observation, deadlineMs }, even)
    for (const deadlineMs of [40, 80, 200]) {
      const chosen = observation.modes[act(deadlineMs)]!
      for (const [action, { accuracy }] of observation.modes.entries()) {
        expectationOf(observation, action, out)
        if (out.medianMs <= deadlineMs) expect(chosen.accuracy).toBeGreaterThanOrEqual(accuracy)
      }
    }
    expectationOf(observation, act(0), out)
    const quickest = out.medianMs
    for (const action of observation.modes.keys()) {
      expectationOf(observation, action, out)
      expect(out.medianMs).toBeGreaterThanOrEqual(quickest)
    }
  })
})
