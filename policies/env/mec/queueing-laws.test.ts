import { describe, expect, it } from 'vitest'
import { RandomStream, ServerQueues } from '../index.ts'

/** Mean sojourn time of `jobs` Poisson arrivals (λ a second) at one server that works off a bit a second. */
function meanSojournS(arrivals: number, jobs: number, draw: (random: RandomStream) => number): number {
  const queues = new ServerQueues(1, 1000)
  queues.speedBps[0] = 1
  const random = new RandomStream(5)
  let sojournS = 0
  for (let job = 0; job < jobs; job++) {
    sojournS += queues.advance(random.exponential(1 / arrivals))
    queues.add(0, draw(random), 0)
  }
  return (sojournS + queues.advance(Infinity)) / jobs
}

describe('processor sharing obeys queueing theory', () => {
  // Mean work 1/μ = 1 s: the mean sojourn is 1/(μ − λ), whatever the law of the sizes (insensitivity).
  it.each<[string, (random: RandomStream) => number]>([
    ['M/M/1', (random) => random.exponential(1)],
    ['M/D/1', () => 1],
    ['M/G/1, one in ten large', (random) => (random.uniform() < 0.1 ? 5.5 : 0.5)],
  ])('%s: mean sojourn 1/(μ − λ)', (_, draw) => {
    for (const arrivals of [0.3, 0.6]) {
      expect(Math.abs(meanSojournS(arrivals, 200_000, draw) * (1 - arrivals) - 1)).toBeLessThan(0.02)
    }
  })
})
