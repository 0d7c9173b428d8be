import { expect, it } from 'vitest'
import { MecEnvironment } from '../env/index.ts'
import { Greedy, hindsightPlan, playEpisodes } from './index.ts'

it('knowing all tasks is never worse than how it began, and mostly better', () => {
  const make = () => new MecEnvironment({ edges: 2, cloudHz: 4e9, edgeHz: 2e9, slots: 30 })
  const environment = make()
  const scratch = make()
  let better = 0
  for (let seed = 0; seed < 12; seed++) {
    const weights = [0.8 + seed / 60, 0.2 - seed / 60]
    const cost = ({ sojournS, energyJ }: { sojournS: number; energyJ: number }) =>
      weights[0]! * 0.01 * sojournS + weights[1]! * 50 * energyJ
    const [greedy] = playEpisodes(environment, new Greedy(), weights, { firstSeed: seed, episodes: 1 })
    const plan = hindsightPlan(environment, scratch, new Greedy(), weights, { seed })
    expect(plan.tasks).toBe(greedy!.tasks)
    expect(cost(plan)).toBeLessThanOrEqual(cost(greedy!) * (1 + 1e-9))
    if (cost(plan) < cost(greedy!) * 0.999) better++
  }
  expect(better).toBeGreaterThan(6)
})
