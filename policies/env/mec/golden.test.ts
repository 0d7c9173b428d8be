import { describe, expect, it } from 'vitest'
import { faultyCases, goldenEpisode, goldenTrajectory } from './golden-trajectory.ts'
import { MecEnvironment, publishedDelayS, ServerQueues } from './index.ts'

const options = { edges: 3, cloudHz: 4e9, edgeHz: 2e9, slots: 16, recorded: goldenEpisode() } as const

describe('the published trajectory', () => {
  it('has the same rewards with its faults reproduced', () => {
    const environment = new MecEnvironment({ ...options, compat: 'gmorl-2023' })
    const { observation } = environment.reset()
    for (const row of goldenTrajectory) {
      expect(observation.queues.jobs[row.action]).toBe(row.jobsBefore)
      const { reward } = environment.step(row.action)
      expect(Math.abs(reward[0]! - row.publishedDelayReward)).toBeLessThanOrEqual(1e-8)
      expect(Math.abs(reward[1]! - row.publishedEnergyReward)).toBeLessThanOrEqual(1e-8)
    }
  })

  it('has the exact marginal delays when nothing else is asked for', () => {
    const environment = new MecEnvironment(options)
    environment.reset()
    for (const row of goldenTrajectory) {
      const { reward, info } = environment.step(row.action)
      expect(Math.abs(info.delayS - row.exactDelayS)).toBeLessThanOrEqual(1e-8)
      expect(reward[0]).toBeCloseTo(-0.01 * row.exactDelayS, 9)
    }
  })
})

describe('delay of a placement', () => {
  for (const { speedBps, leftBits, bits, uploadS, exactS, publishedS } of faultyCases) {
    it(`is ${exactS} s exactly, ${publishedS} s as published, beside ${leftBits.length} jobs`, () => {
      const queues = new ServerQueues(1, 10)
      queues.speedBps[0] = speedBps
      for (const left of leftBits) queues.add(0, left, 0)
      expect(Math.abs(queues.marginal(0, bits, uploadS) - exactS)).toBeLessThanOrEqual(1e-8)
      expect(Math.abs(publishedDelayS(queues, 0, bits, uploadS) - publishedS)).toBeLessThanOrEqual(1e-8)
    })
  }
})
