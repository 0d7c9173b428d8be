import { describe, expect, it } from 'vitest'
import { checkEnvironment, DeepSeaTreasure, type Environment, MecEnvironment } from './index.ts'

describe('conformance of environments', () => {
  it('holds for mec and Deep Sea Treasure', () => {
    expect(checkEnvironment(() => new MecEnvironment({ slots: 12, edges: [1, 3] }), { episodes: 3 })).toEqual(
      [],
    )
    expect(checkEnvironment(() => new DeepSeaTreasure('concave', 30))).toEqual([])
  })

  it.each<[string, (sound: DeepSeaTreasure) => Partial<Environment<unknown>>, RegExp]>([
    ['ends never', () => ({ step: endless }), /not ended after/],
    [
      'gives NaN',
      (sound) => ({ step: (a) => ({ ...sound.step(a), reward: new Float64Array(2).fill(Number.NaN) }) }),
      /NaN/,
    ],
    [
      'takes any action',
      (sound) => ({ step: (a) => sound.step([0, 1, 2, 3].includes(a) ? a : 0) }),
      /invalid action/,
    ],
    ['marks none', () => ({ validActions: (mask) => mask.fill(0) && 0 }), /no action is valid/],
    [
      'forgets its seed',
      (sound) => ({ reset: () => ({ ...sound.reset(), observation: chance() }) }),
      /same seed/,
    ],
    ['has bounds of another length', () => ({ rewardSpace: { names: ['a'], low: [], high: [0] } }), /0 low/],
  ])('tells of one that %s', (_, change, fault) => {
    const make = () => {
      const sound = new DeepSeaTreasure('convex', 20)
      const faulty: Environment<unknown> = {
        name: 'faulty',
        observationVersion: 'faulty/1',
        actionCount: 4,
        rewardSpace: sound.rewardSpace,
        reset: () => sound.reset(),
        step: (action) => sound.step(action),
        validActions: (mask) => sound.validActions(mask),
      }
      return Object.assign(faulty, change(sound))
    }
    expect(checkEnvironment(make, { episodes: 2, maxSteps: 50 }).join('; ')).toMatch(fault)
  })
})

const endless = () => ({
  observation: null,
  reward: Float64Array.of(0, -1),
  terminated: false,
  truncated: false,
  info: null,
})
let turn = 0
const chance = () => turn++

describe('Deep Sea Treasure', () => {
  it.each(['convex', 'concave'] as const)('pays on the shortest way what the front promises, %s', (shape) => {
    const environment = new DeepSeaTreasure(shape)
    for (const [column, point] of environment.paretoFront().entries()) {
      environment.reset()
      const total = [0, 0]
      const depth = -point[1]! - column
      for (const action of [...Array(column).fill(3), ...Array(depth).fill(1)]) {
        const { reward, terminated } = environment.step(action)
        total[0]! += reward[0]!
        total[1]! += reward[1]!
        expect(terminated).toBe(total[0]! > 0)
      }
      expect(total).toEqual(point)
    }
  })
})
