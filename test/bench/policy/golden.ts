import { MecEnvironment, publishedDelayS, ServerQueues } from '@isthmus/policies/env'
import { faultyCases, goldenEpisode, goldenTrajectory } from '@isthmus/policies/env/fixtures'

const played = { edges: 3, cloudHz: 4e9, edgeHz: 2e9, slots: 16, recorded: goldenEpisode() } as const

/** Greatest deviation from the published trajectory (both rewards), its exact delays, and the five faulty cases. */
export function goldenMaxAbsErr(): number {
  const published = new MecEnvironment({ ...played, compat: 'gmorl-2023' })
  const exact = new MecEnvironment(played)
  published.reset()
  exact.reset()
  const errors = goldenTrajectory.flatMap((row) => {
    const [delay, energy] = published.step(row.action).reward
    return [
      delay! - row.publishedDelayReward,
      energy! - row.publishedEnergyReward,
      exact.step(row.action).info.delayS - row.exactDelayS,
    ]
  })
  for (const { speedBps, leftBits, bits, uploadS, exactS, publishedS } of faultyCases) {
    const queues = new ServerQueues(1, leftBits.length + 1)
    queues.speedBps[0] = speedBps
    for (const left of leftBits) queues.add(0, left, 0)
    errors.push(queues.marginal(0, bits, uploadS) - exactS)
    errors.push(publishedDelayS(queues, 0, bits, uploadS) - publishedS)
  }
  return Math.max(...errors.map(Math.abs))
}
