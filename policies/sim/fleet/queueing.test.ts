import { describe, expect, it } from 'vitest'
import { type FleetServer, FleetSimulation, sameMode } from './index.ts'

/** Jobs of 10 ms in the mean come by chance and go to one server; nothing else takes time. */
function sojourn(perS: number, sizeVariation: number, server: FleetServer, horizonS = 4000) {
  const simulation = new FleetSimulation({
    seed: 11,
    horizonS,
    modes: [{ mode: 1, route: 'edge', accuracy: 1, payloadBytes: 0, headMs: 0, tailMs: 10 }],
    devices: [
      {
        count: 20,
        arrivals: { kind: 'poisson', perS: perS / 20 },
        link: { kind: 'fixed', rateBps: 1e15 },
        sizeVariation,
      },
    ],
    servers: [{ rttS: 0, ...server }],
    atHorizon: 'drain',
  })
  const { latency, decisions, answered, servers } = simulation.run(sameMode(1))
  expect(answered).toBe(decisions)
  expect(servers[0]!.busyS / horizonS / (0.01 * perS)).toBeCloseTo(1, 1)
  return latency.meanS
}

const near = (value: number, expected: number, share: number) => {
  expect(value / expected).toBeGreaterThan(1 - share)
  expect(value / expected).toBeLessThan(1 + share)
}

describe('queueing theory', () => {
  it.each([
    ['M/M/1', 1],
    ['M/D/1', 0],
    ['M/H2/1', 4],
  ])('processor sharing: the mean sojourn of %s is 1/(μ − λ) whatever the sizes', (_, variation) => {
    near(sojourn(50, variation, { discipline: 'sharing' }), 1 / (100 - 50), 0.025)
  })

  it('processor sharing by several processors is M/M/k for exponential jobs', () => {
    near(
      sojourn(150, 1, { discipline: 'sharing', workers: 3 }, 1500),
      0.01 + erlangC(3, 1.5) / (300 - 150),
      0.025,
    )
  })

  it('first come, first served: M/M/1, M/D/1 and M/H2/1 wait as Pollaczek and Khinchine say', () => {
    for (const variation of [0, 1, 4]) {
      const wait = (0.5 * (1 + variation)) / (2 * 100 * (1 - 0.5))
      near(sojourn(50, variation, { discipline: 'fifo' }) - 0.01, wait, 0.05)
    }
  })

  it('first come, first served by several workers is M/M/k', () => {
    near(
      sojourn(150, 1, { discipline: 'fifo', workers: 3 }, 1500) - 0.01,
      erlangC(3, 1.5) / (300 - 150),
      0.05,
    )
  })

  it('batches of one, without set-up, are first come, first served', () => {
    const batching = { discipline: 'batching', maxBatch: 1, batchWaitS: 0, setupS: 0, share: 1 } as const
    expect(sojourn(50, 1, batching, 500)).toBeCloseTo(sojourn(50, 1, { discipline: 'fifo' }, 500), 9)
  })

  it('batching carries a load that one by one is too much', () => {
    const batching = {
      discipline: 'batching',
      maxBatch: 16,
      batchWaitS: 0.002,
      setupS: 0.004,
      share: 0.3,
    } as const
    const simulation = new FleetSimulation({
      seed: 1,
      horizonS: 60,
      modes: [{ mode: 1, route: 'edge', accuracy: 1, payloadBytes: 0, headMs: 0, tailMs: 10 }],
      devices: [
        {
          count: 50,
          arrivals: { kind: 'poisson', perS: 4 },
          link: { kind: 'fixed', rateBps: 1e9 },
          deadlineS: 0.1,
        },
      ],
      servers: [batching],
    })
    const { dropRatio, servers } = simulation.run(sameMode(1))
    expect(dropRatio).toBeLessThan(0.02)
    expect(servers[0]!.utilisation).toBeLessThan(1)
  })
})

/** Probability that a job has to wait at k servers with `load` Erlang. */
function erlangC(servers: number, load: number): number {
  let term = 1
  let sum = 0
  for (let jobs = 0; jobs < servers; jobs++) {
    sum += term
    term *= load / (jobs + 1)
  }
  const all = (term * servers) / (servers - load)
  return all / (sum + all)
}
