import { describe, expect, it } from 'vitest'
import { MecEnvironment } from '../env/index.ts'
import { Greedy, LinUcb, playEpisodes, roundRobin } from './index.ts'

/** Share of the tasks of some episodes that a policy sends to the cloud. */
function cloudShare(
  environment: MecEnvironment,
  policy: LinUcb,
  firstSeed: number,
  episodes: number,
): number {
  let cloud = 0
  let tasks = 0
  for (let seed = firstSeed; seed < firstSeed + episodes; seed++) {
    const { observation } = environment.reset({ seed })
    policy.begin()
    for (let truncated = false; !truncated; ) {
      const server = policy.act(observation, [1, 0])
      if (observation.taskBits > 0) {
        tasks++
        if (server === 0) cloud++
      }
      truncated = environment.step(server).truncated
    }
  }
  return cloud / tasks
}

describe('LinUCB', () => {
  it('learns to avoid a slow server, and tries all before', () => {
    const environment = new MecEnvironment({ cloudHz: 0.2e9, edgeHz: 2e9, edges: 2, meanTaskBits: 2e6 })
    const policy = new LinUcb()
    const early = cloudShare(environment, policy, 0, 1)
    cloudShare(environment, policy, 100, 30)
    expect(early).toBeGreaterThan(0.05)
    expect(cloudShare(environment, policy, 1000, 5)).toBeLessThan(early / 5)
    policy.forget()
    expect(cloudShare(environment, policy, 0, 1)).toBe(early)
  })

  it('comes nearer to greedy than taking turns does, and follows a new preference at once', () => {
    const environment = new MecEnvironment({ cloudHz: 4e9, edgeHz: 2e9, edges: 3 })
    const policy = new LinUcb()
    playEpisodes(environment, policy, [0.9, 0.1], { firstSeed: 0, episodes: 30 })
    const range = { firstSeed: 500, episodes: 20 }
    const total = (of: Parameters<typeof playEpisodes>[1], key: 'sojournS' | 'energyJ', weights: number[]) =>
      playEpisodes(environment, of, weights, range).reduce((sum, outcome) => sum + outcome[key], 0)
    const delay = total(policy, 'sojournS', [1, 0])
    expect(delay).toBeLessThan(0.7 * total(roundRobin(), 'sojournS', [1, 0]))
    expect(delay).toBeGreaterThan(0.95 * total(new Greedy(), 'sojournS', [1, 0]))
    const before = policy.evaluations
    expect(total(policy, 'energyJ', [0.5, 0.5])).toBeLessThan(0.7 * total(policy, 'energyJ', [1, 0]))
    expect((policy.evaluations - before) % 4).toBe(0)
  })

  it.each([{ width: -1 }, { width: Number.NaN }, { ridge: 0 }])('refuses %j', (options) => {
    expect(() => new LinUcb(options)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }))
  })
})
