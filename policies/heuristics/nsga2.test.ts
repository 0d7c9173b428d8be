import { describe, expect, it } from 'vitest'
import { MecEnvironment, RandomStream } from '../env/index.ts'
import { hypervolume, type Point } from '../pareto/index.ts'
import { evolve, evolveFront, FrontPolicy, Greedy, ParametrisedGreedy, playEpisodes } from './index.ts'

describe('NSGA-II', () => {
  it('comes close to the known front of ZDT1, which as many random tries do not', () => {
    const genes = 6
    const evaluate = (x: readonly number[]): Point => {
      const g = 1 + (9 * x.slice(1).reduce((sum, value) => sum + value, 0)) / (genes - 1)
      return [-x[0]!, -g * (1 - Math.sqrt(x[0]! / g))]
    }
    const problem = { low: Array(genes).fill(0), high: Array(genes).fill(1), evaluate }
    const reference = [-1.1, -1.1]
    // Area above 1 − √x on [0, 1], and the strips up to the reference: 2/3 + 0.1 · (1 + 1.1).
    const exact = 2 / 3 + 0.21
    const points = (generations: number, seed = 1) =>
      evolve(problem, new RandomStream(seed), { population: 40, generations }).map(({ point }) => point)
    expect(hypervolume(points(80), reference)).toBeGreaterThan(0.97 * exact)
    expect(hypervolume(points(80), reference)).toBeLessThanOrEqual(exact)
    const random = new RandomStream(2)
    const tries = Array.from({ length: 81 * 40 }, () => evaluate(problem.low.map(() => random.uniform())))
    expect(hypervolume(tries, reference)).toBeLessThan(0.8 * exact)
    expect(points(3)).toEqual(points(3))
    expect(points(3, 2)).not.toEqual(points(3))
  })

  it.each([{ population: 5 }, { population: 2 }, { generations: -1 }, { generations: 0.5 }])(
    'refuses %j',
    (options) => {
      const problem = { low: [0], high: [1], evaluate: () => [0, 0] }
      expect(() => evolve(problem, new RandomStream(0), options)).toThrow(
        expect.objectContaining({ code: 'BAD_OPTION' }),
      )
    },
  )
})

describe('an evolved front of rules', () => {
  const environment = new MecEnvironment({ cloudHz: 4e9, edgeHz: 2e9, edges: 1, slots: 60 })
  const training = { environment, firstSeed: 0, episodes: 12, population: 16, generations: 8, seed: 3 }
  const reference = [-100, -0.06]
  const volumes: number[] = []
  const front = evolveFront(training, (found) =>
    volumes.push(
      hypervolume(
        found.map(({ point }) => point),
        reference,
      ),
    ),
  )

  it('grows over the generations, and never shrinks', () => {
    expect(volumes.length).toBe(9)
    for (const [at, volume] of volumes.slice(1).entries()) expect(volume).toBeGreaterThanOrEqual(volumes[at]!)
    expect(volumes.at(-1)).toBeGreaterThan(1.005 * volumes[0]!)
  })

  it('is of rules that do again what they did in training', () => {
    for (const { policy, point } of front.slice(0, 3)) {
      const outcomes = playEpisodes(environment, policy, [0.5, 0.5], training)
      const sum = (key: 'sojournS' | 'energyJ' | 'tasks') =>
        outcomes.reduce((total, outcome) => total + outcome[key], 0)
      expect(-sum('sojournS') / sum('tasks')).toBeCloseTo(point[0]!, 9)
      expect(-sum('energyJ') / sum('tasks')).toBeCloseTo(point[1]!, 9)
    }
  })

  it('is chosen from by preference', () => {
    const policy = new FrontPolicy(front)
    const range = { firstSeed: 900, episodes: 20 }
    const total = (weights: readonly number[], key: 'sojournS' | 'energyJ') =>
      playEpisodes(environment, policy, weights, range).reduce((sum, outcome) => sum + outcome[key], 0)
    expect(total([1, 0], 'sojournS')).toBeLessThan(total([0.8, 0.2], 'sojournS') / 1.5)
    expect(total([0.8, 0.2], 'energyJ')).toBeLessThan(total([1, 0], 'energyJ') / 1.2)
    const scales = { delayScale: 0.01, energyScale: 50 }
    const fastest = front.reduce((a, b) => (a.point[0]! > b.point[0]! ? a : b))
    expect(policy.ruleFor(scales, [1, 0])).toBe(fastest.policy)
    expect(() => new FrontPolicy([])).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }))
  })

  it('is greedy with the exchange rate of the preference where nothing else is charged', () => {
    const outcomes = (policy: Parameters<typeof playEpisodes>[1]) =>
      playEpisodes(environment, policy, [0.9, 0.1], { firstSeed: 3, episodes: 5 })
    const joule = (0.1 * 50) / (0.9 * 0.01)
    expect(outcomes(new ParametrisedGreedy({ joule, service: 0, waiting: 0 }))).toEqual(
      outcomes(new Greedy()),
    )
    expect(() => new ParametrisedGreedy({ joule: Number.NaN, service: 0, waiting: 0 })).toThrow(
      /joule is NaN/,
    )
  })
})
