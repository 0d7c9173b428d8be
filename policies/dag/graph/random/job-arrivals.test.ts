import { describe, expect, it } from 'vitest'
import { RandomStream } from '../../../env/index.ts'
import { schedulingProblem } from '../../schedule/problem.ts'
import { randomPlatform } from '../../schedule/random-platform.ts'
import { jobArrivals } from './job-arrivals.ts'
import { TaskGraphGenerator } from './task-graph-generator.ts'

const generator = new TaskGraphGenerator({ tasks: [1, 5] })

describe('jobArrivals', () => {
  it('lets each user’s jobs arrive by a Poisson process of its own', () => {
    const jobs = jobArrivals({ users: 4, ratePerS: 0.5, horizonS: 5000, generator }, new RandomStream(1))
    for (let user = 0; user < 4; user++) {
      const at = jobs.filter(({ device }) => device === user).map(({ arrivalS }) => arrivalS)
      // 2500 are expected, √2500 = 50 is their deviation.
      expect(Math.abs(at.length - 2500)).toBeLessThan(4 * 50)
      const gaps = at.slice(1).map((each, before) => each - at[before]!)
      expect(gaps.every((gap) => gap >= 0)).toBe(true)
      const longer = (seconds: number) => gaps.filter((gap) => gap > seconds).length / gaps.length
      for (const seconds of [1, 2, 4]) expect(longer(seconds)).toBeCloseTo(Math.exp(-seconds / 2), 1)
    }
    expect(jobs.every(({ arrivalS }) => arrivalS < 5000)).toBe(true)
    expect(jobs.every(({ arrivalS }, at) => at === 0 || arrivalS >= jobs[at - 1]!.arrivalS)).toBe(true)
  })

  it('is the same by the same stream', () => {
    const of = (seed: number) =>
      jobArrivals({ users: 2, ratePerS: 1, horizonS: 20, generator }, new RandomStream(seed))
    expect(of(2)).toEqual(of(2))
    expect(of(2)).not.toEqual(of(3))
  })

  it('has no jobs at rate 0, and refuses what would never end', () => {
    const at = (options: object) => () =>
      jobArrivals({ users: 1, ratePerS: 1, horizonS: 1, generator, ...options }, new RandomStream(1))
    expect(at({ ratePerS: 0 })()).toEqual([])
    for (const options of [
      { users: 0 },
      { ratePerS: Number.NaN },
      { horizonS: Infinity },
      { ratePerS: 1e6, horizonS: 1e6 },
    ]) {
      expect(at(options)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }))
    }
  })
})

describe('randomPlatform', () => {
  it('draws each device, server and link within the bounds, and takes jobs', () => {
    const random = new RandomStream(5)
    const platform = randomPlatform(
      { devices: 30, servers: 20, uplinkBps: [1e6, 2e6], deviceKappa: 2e-27 },
      random,
    )
    const speeds = platform.devices.map(({ cyclesPerS }) => cyclesPerS)
    expect(new Set(speeds).size).toBe(30)
    for (const { cyclesPerS, cycleJ, transmitW } of platform.devices) {
      expect(cyclesPerS).toBeGreaterThanOrEqual(0.5e9)
      expect(cyclesPerS).toBeLessThanOrEqual(1.5e9)
      expect(cycleJ).toBeCloseTo(2e-27 * cyclesPerS ** 2, 15)
      expect(transmitW).toBeGreaterThanOrEqual(0.5)
    }
    for (const [device, rates] of platform.uplinkBps.entries()) {
      for (const [server, rate] of rates.entries()) {
        expect(rate).toBeGreaterThanOrEqual(1e6)
        expect(rate).toBeLessThanOrEqual(2e6)
        const ratio = platform.downlinkBps[device]![server]! / rate
        expect(ratio).toBeGreaterThanOrEqual(1)
        expect(ratio).toBeLessThanOrEqual(4)
      }
    }
    const jobs = jobArrivals({ users: 30, ratePerS: 0.1, horizonS: 10, generator }, random)
    expect(schedulingProblem(platform, jobs).hosts).toBe(50)
    expect(randomPlatform({ devices: 3, servers: 2 }, new RandomStream(6))).toEqual(
      randomPlatform({ devices: 3, servers: 2 }, new RandomStream(6)),
    )
  })

  it.each<[string, object]>([
    ['devices', { devices: 0 }],
    ['servers', { servers: 1.5 }],
    ['uplinkBps', { uplinkBps: [2, 1] }],
    ['transmitW', { transmitW: -1 }],
    ['"kappa"', { kappa: 1 }],
    ['links', { devices: 100_000, servers: 100_000 }],
  ])('refuses a wrong %s', (field, options) => {
    expect(() => randomPlatform({ devices: 1, servers: 1, ...options }, new RandomStream(1))).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining(field) }),
    )
  })
})
