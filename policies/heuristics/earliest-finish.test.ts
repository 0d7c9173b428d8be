import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MecEnvironment, type MecObservation, ServerQueues, uploadS } from '../env/index.ts'
import { EarliestFinish, FinishTimes } from './index.ts'

const job = fc.record({
  bits: fc.double({ min: 0.1, max: 50, noNaN: true }),
  at: fc.integer({ min: 0, max: 9 }),
})

function system(jobs: readonly { bits: number; at: number }[]): ServerQueues {
  const queues = new ServerQueues(1, 16)
  queues.speedBps[0] = 2
  for (const { bits, at } of jobs) queues.add(0, bits, at / 3)
  return queues
}

const left = (queues: ServerQueues) => queues.jobs[0]! + queues.uploads[0]!

describe('earliest finish', () => {
  it('knows when a task would leave, whatever is in service and on its way', () => {
    const { observation } = new MecEnvironment({ edges: 1 })
    const times = new FinishTimes()
    fc.assert(
      fc.property(fc.array(job, { maxLength: 8 }), job, (jobs, own) => {
        const queues = system(jobs)
        // A share of an irrational number, so that nothing else ends at the same moment.
        const sendS = own.at / 3 + Math.SQRT2 / 1e3
        const seen: MecObservation = {
          ...observation,
          queues,
          taskBits: own.bits,
          rateBps: Float64Array.of(own.bits / sendS),
        }
        const finishS = times.of(seen, 0)
        // Others may end within the small step as well: the same step without the task tells how many.
        const ended = (withOwn: boolean, from: number, to: number) => {
          const copy = system(jobs)
          if (withOwn) copy.add(0, own.bits, uploadS(seen, 0))
          copy.advance(from)
          const before = left(copy)
          copy.advance(to - from)
          return before - left(copy)
        }
        const ownEnds = ended(true, finishS - 1e-6, finishS + 1e-6)
        expect(ownEnds).toBeGreaterThanOrEqual(1)
        // Enough work by then, not yet enough before.
        expect(ended(true, 0, finishS + 1e-6)).toBeGreaterThan(ended(true, 0, finishS - 1e-6))
      }),
      { numRuns: 300 },
    )
  })

  it('is the own part of the marginal where nothing is uploading', () => {
    const { observation } = new MecEnvironment({ edges: 1 })
    const queues = system([
      { bits: 3, at: 0 },
      { bits: 8, at: 0 },
    ])
    const seen = { ...observation, queues, taskBits: 5, rateBps: Float64Array.of(50) }
    // Marginal: 0.1 + (5 + 2 · shared) / 2; own: 0.1 + (5 + shared) / 2.
    const own = (queues.marginal(0, 5, 0.1) + 0.1 + 5 / 2) / 2
    expect(new FinishTimes().of(seen, 0)).toBeCloseTo(own, 12)
  })

  it('takes the server that is done with the task first, though others wait the longer for it', () => {
    const { observation } = new MecEnvironment({ edges: 1, cloudHz: 4e9, edgeHz: 2e9 })
    const queues = new ServerQueues(2, 16)
    queues.speedBps.set([4e6, 2e6])
    for (let jobs = 0; jobs < 2; jobs++) queues.add(0, 1.9e6, 0)
    const seen = { ...observation, queues, taskBits: 8e6, rateBps: Float64Array.of(1e12, 1e12) }
    const policy = new EarliestFinish()
    // Cloud: (8 + 3.8) / 4 s, edge: 8 / 2 s; with what the others lose the cloud costs 15.6 / 4 s.
    expect(policy.act(seen)).toBe(0)
    expect(policy.evaluations).toBe(2)
    for (let jobs = 0; jobs < 3; jobs++) queues.add(0, 1.9e6, 0)
    expect(policy.act(seen)).toBe(1)
  })
})
