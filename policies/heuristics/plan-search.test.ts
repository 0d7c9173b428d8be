import { describe, expect, it } from 'vitest'
import { MecEnvironment, type MecObservation, RandomStream } from '../env/index.ts'
import {
  anneal,
  descend,
  Greedy,
  LocalSearch,
  playEpisodes,
  randomServer,
  SampledPlan,
  SimulatedAnnealing,
} from './index.ts'

const weights = [0.97, 0.03]

/** A system in mid-episode. */
function busy(seed: number, slots = 30): MecObservation {
  const environment = new MecEnvironment({ cloudHz: 4e9, edgeHz: 2e9, edges: 2 })
  const { observation } = environment.reset({ seed })
  const random = randomServer()
  random.begin(seed)
  for (let slot = 0; slot < slots || observation.taskBits === 0; slot++) {
    environment.step(random.act(observation, weights))
  }
  return observation
}

function started(seed: number, options = {}): SampledPlan {
  const plan = new SampledPlan(options)
  plan.start(busy(seed), weights, new RandomStream(seed))
  return plan
}

describe('a sampled plan', () => {
  it('starts as greedy, costs the same after a flip there and back, and undoes a flip', () => {
    const plan = started(1)
    expect(plan.choice).toBe(new Greedy().act(busy(1), weights))
    const { cost } = plan
    for (const task of [0, 3, plan.tasks - 1]) {
      const from = plan.placeOf(task)
      expect(plan.flip(task, (from + 1) % 3)).not.toBe(cost)
      plan.undo()
      expect(plan.cost).toBe(cost)
      plan.flip(task, (from + 1) % 3)
      expect(plan.flip(task, from)).toBe(cost)
    }
  })
})

describe('searches', () => {
  it('1-flip: never dearer than greedy, and no flip is left that helps', () => {
    let startSum = 0
    let endSum = 0
    for (let seed = 0; seed < 10; seed++) {
      const plan = started(seed, { futures: 2, slots: 8 })
      const start = plan.cost
      descend(plan, 3, 100)
      expect(plan.cost).toBeLessThanOrEqual(start)
      const end = plan.cost
      startSum += start
      endSum += end
      for (let task = 0; task < plan.tasks; task++) {
        for (let server = 0; server < 3; server++) {
          expect(plan.flip(task, server)).toBeGreaterThanOrEqual(end * (1 - 1e-9))
          plan.undo()
        }
      }
    }
    expect(endSum).toBeLessThan(0.997 * startSum)
  })

  it('annealing: never dearer than greedy, and mostly finds the best plan of small ones', () => {
    let found = 0
    let startSum = 0
    let endSum = 0
    let leastSum = 0
    for (let seed = 0; seed < 20; seed++) {
      const plan = started(seed, { futures: 1, slots: 4 })
      const start = plan.cost
      const { cost } = anneal(plan, 3, new RandomStream(seed, 1))
      expect(cost).toBeLessThanOrEqual(start)
      const least = cheapest(plan)
      expect(cost).toBeGreaterThanOrEqual(least - 1e-12)
      if (cost <= least + 1e-12) found++
      startSum += start
      endSum += cost
      leastSum += least
    }
    expect(found).toBeGreaterThanOrEqual(15)
    expect(endSum - leastSum).toBeLessThan(0.3 * (startSum - leastSum))
  })

  it.each([
    [new LocalSearch({ futures: 2, slots: 8 })],
    [new SimulatedAnnealing({ futures: 2, slots: 8, flips: 80 })],
  ])(
    'are policies that repeat themselves by seed, leave the system alone and look ahead better than greedy: %#',
    (policy) => {
      const environment = new MecEnvironment({ cloudHz: 4e9, edgeHz: 2e9, edges: 1, slots: 40 })
      const range = { firstSeed: 0, episodes: 12 }
      const first = playEpisodes(environment, policy, weights, range)
      expect(playEpisodes(environment, policy, weights, range)).toEqual(first)
      const cost = (outcomes: typeof first) =>
        outcomes.reduce((sum, { sojournS, energyJ }) => sum + 0.97 * 0.01 * sojournS + 0.03 * 50 * energyJ, 0)
      expect(cost(first)).toBeLessThan(cost(playEpisodes(environment, new Greedy(), weights, range)))
      // The charges are what the tasks waited: no search has left jobs behind in the real queues.
      for (const { sojournS, chargedS } of first) expect(chargedS / sojournS).toBeCloseTo(1, 9)
      expect(policy.evaluations).toBeGreaterThan(30_000)
    },
  )
})

/** Tries all plans. */
function cheapest(plan: SampledPlan, task = 0): number {
  if (task === plan.tasks) return plan.cost
  let least = Infinity
  for (let server = 0; server < 3; server++) {
    plan.flip(task, server)
    least = Math.min(least, cheapest(plan, task + 1))
  }
  return least
}
