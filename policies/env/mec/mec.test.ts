import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RandomStream } from '../random-stream.ts'
import {
  encodeHistogram,
  gmorlRadio,
  HISTOGRAM_ROW,
  MecEnvironment,
  type MecOptions,
  publishedRate,
  ServerQueues,
  shannonRate,
} from './index.ts'

const seeds = fc.integer({ min: 0, max: 2 ** 31 })

/** One episode of random placements; returns every number that came out. */
function play(environment: MecEnvironment, seed: number): number[] {
  const random = new RandomStream(seed, 1)
  const seen: number[] = []
  const { observation } = environment.reset({ seed })
  for (let truncated = false; !truncated; ) {
    seen.push(observation.servers, observation.taskBits, observation.rateBps[0]!)
    const step = environment.step(random.below(observation.servers))
    seen.push(...step.reward)
    truncated = step.truncated
  }
  return seen
}

describe('mec', () => {
  it('charges over an episode exactly what all tasks together wait, however long uploads take', () => {
    const channels: MecOptions[] = [
      { channel: 'published' },
      // 6 Mbit at some Mbit/s: many uploads overlap, over several slots.
      { channel: 'shannon', meanTaskBits: 0.3e6, edges: 3 },
    ]
    for (const options of channels) {
      const environment = new MecEnvironment(options)
      fc.assert(
        fc.property(seeds, (seed) => {
          const { info } = environment.reset({ seed })
          play(environment, seed)
          const charged = info.totalDelayS
          const waited = environment.drain()
          expect(Math.abs(charged / waited - 1)).toBeLessThan(1e-9)
        }),
        { numRuns: 15 },
      )
    }
  })

  it('plays the same episode again for the same seed, another for another', () => {
    const environment = new MecEnvironment()
    fc.assert(
      fc.property(seeds, (seed) => {
        const first = play(environment, seed)
        expect(play(new MecEnvironment(), seed).join()).toBe(first.join())
        expect(play(environment, seed + 1).join() === first.join()).toBe(false)
      }),
      { numRuns: 8 },
    )
  })

  it('cuts an episode off after its slots, and wants a reset then', () => {
    const environment = new MecEnvironment({ slots: 3 })
    expect(() => environment.step(0)).toThrow(expect.objectContaining({ code: 'EPISODE_OVER' }))
    environment.reset({ seed: 1 })
    expect([1, 2, 3].map(() => environment.step(0).truncated)).toEqual([false, false, true])
    expect(() => environment.step(0)).toThrow(expect.objectContaining({ code: 'EPISODE_OVER' }))
  })

  it('marks the servers of this episode as valid actions and refuses all others', () => {
    const environment = new MecEnvironment({ edges: [1, 10] })
    const mask = new Uint8Array(environment.actionCount)
    const counts = new Set<number>()
    for (let seed = 0; seed < 60; seed++) {
      const { observation } = environment.reset({ seed })
      const valid = environment.validActions(mask)
      counts.add(valid)
      expect([...mask]).toEqual(Array.from({ length: 11 }, (_, action) => (action < valid ? 1 : 0)))
      expect(valid).toBe(observation.servers)
      for (const action of [valid, -1, 0.5, Number.NaN]) {
        expect(() => environment.step(action)).toThrow(expect.objectContaining({ code: 'BAD_ACTION' }))
      }
    }
    expect(counts.size).toBe(10)
  })

  it('loads the servers to the full: mean size is what all do in a second', () => {
    const environment = new MecEnvironment({ edges: 3, cloudHz: 4e9, edgeHz: 2e9 })
    let bits = 0
    let tasks = 0
    for (let seed = 0; seed < 100; seed++) {
      const { observation, info } = environment.reset({ seed })
      for (let slot = 0; slot < 100; slot++) {
        bits += observation.taskBits
        environment.step(0)
      }
      tasks += info.tasks
    }
    expect(bits / tasks / 10e6).toBeCloseTo(1, 1)
    expect(tasks / 100 / 92).toBeCloseTo(1, 1) // 1.6: 92.8 real tasks of 100 slots
  })

  it.each([
    [{ edges: 0 }, 'edges'],
    [{ edges: 1000 }, 'edges'],
    [{ edges: [3, 2] }, 'edges'],
    [{ cloudHz: Number.NaN }, 'cloudHz'],
    [{ arrivals: -1 }, 'arrivals'],
    [{ channel: 'quantum' }, 'channel'],
    [{ slotz: 3 }, 'slotz'],
    [{ recorded: { rateBps: [], tasks: [] } }, 'recorded'],
  ])('refuses %j and names the field', (options, field) => {
    expect(() => new MecEnvironment(options as MecOptions)).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining(field) }),
    )
  })
})

describe('histogram encoding', () => {
  it('counts every job in service once', () => {
    const environment = new MecEnvironment()
    const rows = new Float32Array(12 * HISTOGRAM_ROW)
    fc.assert(
      fc.property(seeds, (seed) => {
        const { observation } = environment.reset({ seed })
        let wrong = 0
        for (let slot = 0; slot < 100; slot++) {
          encodeHistogram(observation, rows)
          for (let server = 0; server < 12; server++) {
            const row = rows.subarray(server * HISTOGRAM_ROW, (server + 1) * HISTOGRAM_ROW)
            const jobs = server < observation.servers ? observation.queues.jobs[server] : 0
            if (row[6] !== jobs || row.subarray(7).reduce((sum, count) => sum + count, 0) !== jobs) wrong++
          }
          environment.step(0)
        }
        expect(wrong).toBe(0)
      }),
      { numRuns: 3 },
    )
  })

  it('lays a row out as published', () => {
    const environment = new MecEnvironment({
      edges: 1,
      cloudHz: 4e9,
      edgeHz: 2e9,
      users: 1,
      slots: 2,
      recorded: {
        rateBps: [[5e8], [7e8]],
        tasks: [
          { bits: 70.5e6, user: 0 },
          { bits: 3e6, user: 0 },
        ],
      },
    })
    const { observation } = environment.reset()
    environment.step(0)
    const rows = new Float32Array(2 * HISTOGRAM_ROW)
    encodeHistogram(observation, rows)
    expect([...rows.subarray(0, 7)]).toEqual([1, 4, 1, 3, 1, 5, 1])
    expect(rows[7 + 59]).toBe(1) // 66.5 Mbit and more are one bin
    expect([...rows.subarray(67, 74)]).toEqual([1, 2, 1, 3, 1, 7, 0])
    expect(() => encodeHistogram(observation, new Float32Array(67))).toThrow(/67 for each of 2 servers/)
  })
})

describe('rates', () => {
  it('follow Shannon, and the published formula only where it is asked for', () => {
    expect(shannonRate(gmorlRadio, 1000) / 25.06e3).toBeCloseTo(1, 3)
    expect(shannonRate(gmorlRadio, 275) / 2.195e6).toBeCloseTo(1, 3)
    expect(publishedRate(gmorlRadio, 275)).toBeGreaterThan(5e8)
  })
})

describe('server queues', () => {
  it('serve equal shares: two jobs of 1 and 3 s of work end after 2 and 4 s', () => {
    const queues = new ServerQueues(1, 4)
    queues.speedBps[0] = 1
    queues.add(0, 3, 0)
    queues.add(0, 1, 0)
    expect(queues.advance(2)).toBe(4)
    expect(queues.jobs[0]).toBe(1)
    expect(queues.advance(Infinity)).toBe(2)
  })

  it('take the marginal for what the sum of sojourn times grows by', () => {
    const jobs = fc.array(fc.record({ bits: fc.double({ min: 0.1, max: 50, noNaN: true }), at: fc.nat(9) }), {
      minLength: 1,
      maxLength: 8,
    })
    fc.assert(
      fc.property(jobs, (list) => {
        const total = (count: number) => {
          const queues = new ServerQueues(1, 10)
          queues.speedBps[0] = 2
          for (const { bits, at } of list.slice(0, count)) queues.add(0, bits, at / 3)
          return queues.advance(Infinity)
        }
        const queues = new ServerQueues(1, 10)
        queues.speedBps[0] = 2
        for (const { bits, at } of list.slice(0, -1)) queues.add(0, bits, at / 3)
        const last = list.at(-1)!
        expect(queues.marginal(0, last.bits, last.at / 3)).toBeCloseTo(
          total(list.length) - total(list.length - 1),
          7,
        )
      }),
    )
  })
})
