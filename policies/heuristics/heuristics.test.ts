import { describe, expect, it } from 'vitest'
import { checkWeights, MecEnvironment, type MecObservation } from '../env/index.ts'
import {
  allCloud,
  allEdge,
  Greedy,
  LocalSearch,
  leastWork,
  MeteredPolicy,
  placementCost,
  playEpisodes,
  RollOut,
  randomServer,
  roundRobin,
  shortestQueue,
  staticMix,
} from './index.ts'

const pinned = { cloudHz: 4e9, edgeHz: 2e9 } as const
const every = () => [
  allCloud(),
  allEdge(),
  randomServer(),
  randomServer(1),
  staticMix(0.3),
  roundRobin(),
  roundRobin({ first: 1 }),
  roundRobin({ turnEvery: 'slot' }),
  shortestQueue(),
  leastWork(),
  new Greedy(),
  new RollOut({ slots: 3, futures: 2 }),
]

/** A system in mid-episode. */
function busy(seed: number, slots = 20): MecObservation {
  const environment = new MecEnvironment({ ...pinned, edges: 3 })
  const { observation } = environment.reset({ seed })
  const random = randomServer()
  random.begin(seed)
  for (let slot = 0; slot < slots || observation.taskBits === 0; slot++) {
    environment.step(random.act(observation, [1, 0]))
  }
  return observation
}

describe('every heuristic', () => {
  for (const policy of every()) {
    it(`chooses valid servers in systems of any size and repeats itself by seed: ${policy.name}`, () => {
      const environment = new MecEnvironment({ slots: 15, edges: [1, 5] })
      const range = { firstSeed: 5, episodes: 6 }
      const first = playEpisodes(environment, policy, [0.9, 0.1], range)
      expect(playEpisodes(environment, policy, [0.9, 0.1], range)).toEqual(first)
    })
  }
})

describe('rules', () => {
  it('go where there are fewest jobs, or least work', () => {
    for (let seed = 0; seed < 10; seed++) {
      const observation = busy(seed)
      const jobs = [...observation.queues.jobs.subarray(0, 4)]
      expect(jobs[shortestQueue().act(observation, [1, 0])]).toBe(Math.min(...jobs))
    }
    const observation = busy(1)
    observation.queues.clear()
    for (const server of [0, 1, 2]) observation.queues.add(server, 1e6, 0)
    expect(leastWork().act(observation, [1, 0])).toBe(3)
    observation.queues.add(3, 1.1e6, 0)
    expect(leastWork().act(observation, [1, 0])).toBe(0) // 1 Mbit at twice the speed
  })

  it('take turns', () => {
    const policy = roundRobin()
    policy.begin(0)
    expect(Array.from({ length: 5 }, () => policy.act(busy(2), [1, 0]))).toEqual([0, 1, 2, 3, 0])
    const idle = { ...busy(2), taskBits: 0 }
    const turns = (turnEvery: 'task' | 'slot') => {
      const turning = roundRobin({ first: 1, turnEvery })
      turning.begin(0)
      return [idle, busy(2), idle, busy(2)].map((observation) => turning.act(observation, [1, 0]))
    }
    expect(turns('task')).toEqual([1, 1, 2, 2])
    expect(turns('slot')).toEqual([1, 2, 3, 1])
  })
})

describe('greedy', () => {
  it('costs least of all servers, and follows the preference', () => {
    const environment = new MecEnvironment({ ...pinned, edges: 3 })
    const range = { firstSeed: 0, episodes: 20 }
    for (let seed = 0; seed < 10; seed++) {
      const observation = busy(seed)
      const greedy = new Greedy()
      const chosen = greedy.act(observation, [0.9, 0.1])
      const costs = [0, 1, 2, 3].map((server) => placementCost(observation, server, [0.9, 0.1]))
      expect(costs[chosen]).toBe(Math.min(...costs))
      expect(greedy.evaluations).toBe(4)
    }
    const total = (weights: readonly number[], key: 'sojournS' | 'energyJ') =>
      playEpisodes(environment, new Greedy(), weights, range).reduce((sum, outcome) => sum + outcome[key], 0)
    expect(total([1, 0], 'sojournS')).toBeLessThan(total([0.9, 0.1], 'sojournS') / 1.5)
    expect(total([0.9, 0.1], 'energyJ')).toBeLessThan(total([1, 0], 'energyJ') / 1.3)
  })
})

describe('roll-out', () => {
  it('is greedy when it looks no slot ahead', () => {
    for (let seed = 0; seed < 10; seed++) {
      const observation = busy(seed)
      const planner = new RollOut({ slots: 0, futures: 1 })
      planner.begin(seed)
      expect(planner.act(observation, [0.95, 0.05])).toBe(new Greedy().act(observation, [0.95, 0.05]))
    }
  })

  it('leaves the system as it found it, and beats greedy on the same episodes', () => {
    const environment = new MecEnvironment({ ...pinned, edges: 1, slots: 50 })
    const range = { firstSeed: 0, episodes: 12 }
    const weights = [0.97, 0.03]
    const cost = (policy: Greedy | RollOut) =>
      playEpisodes(environment, policy, weights, range).reduce(
        (sum, { sojournS, energyJ }) => sum + 0.97 * 0.01 * sojournS + 0.03 * 50 * energyJ,
        0,
      )
    expect(cost(new RollOut({ slots: 20, futures: 6 }))).toBeLessThan(cost(new Greedy()))
  })
})

describe('metering', () => {
  it('counts decisions, evaluations and the time of the clock that is handed in', () => {
    let nowMs = 0
    const metered = new MeteredPolicy(new Greedy(), () => nowMs++)
    playEpisodes(new MecEnvironment({ slots: 10, edges: 2 }), metered, [1, 0], { firstSeed: 1, episodes: 3 })
    expect(metered.decisions).toBe(30)
    expect(metered.totalMs).toBe(30)
    expect(metered.evaluations % 3).toBe(0)
  })
})

describe('preferences', () => {
  it.each([[[0.5]], [[0.5, 0.6]], [[-0.1, 1.1]], [[Number.NaN, 1]], [[1, 0, 0]]])('refuses %j', (weights) => {
    expect(() => checkWeights(weights, 2)).toThrow(expect.objectContaining({ code: 'BAD_PREFERENCE' }))
  })
})

it.each<[string, RegExp, () => unknown]>([
  ['no future', /futures is 0/, () => new RollOut({ futures: 0 })],
  ['NaN slots', /slots is NaN/, () => new RollOut({ slots: Number.NaN })],
  ['a plan of no future', /futures is 0/, () => new LocalSearch({ futures: 0 })],
  ['a share of NaN', /cloudShare is NaN/, () => staticMix(Number.NaN)],
])('refuses %s instead of deciding by NaN', (_, message, make) => {
  expect(make).toThrow(
    expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringMatching(message) }),
  )
})

it('refuses a preference that is none', () => {
  expect(() => checkWeights(null as never, 2)).toThrow(expect.objectContaining({ code: 'BAD_PREFERENCE' }))
})
