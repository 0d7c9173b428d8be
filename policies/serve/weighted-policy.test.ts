import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arrivalTime } from '../arrival.ts'
import { frameEnergyJ, raspberryPiPower } from '../device-power.ts'
import type { ModeEstimate, Observation, Preference } from '../plan.ts'
import { weightedPolicy } from './index.ts'

/** Quickest, */
const local: ModeEstimate = {
  mode: 1,
  route: 'local',
  accuracy: 0.8,
  payloadBytes: 0,
  deviceMs: 10,
  serverMs: 0,
  energyJ: 0.03,
}
/** most accurate, */
const split: ModeEstimate = {
  mode: 2,
  route: 'split',
  accuracy: 0.95,
  payloadBytes: 500,
  deviceMs: 8,
  serverMs: 12,
  energyJ: 0.02,
}
/** and the one that costs the device least energy. */
const edge: ModeEstimate = {
  mode: 3,
  route: 'edge',
  accuracy: 0.9,
  payloadBytes: 900,
  deviceMs: 1,
  serverMs: 14,
  energyJ: 0.005,
}
const link = { rateBps: 1e6, rttMs: 10, spreadMs: 1 }

const observe = (change: Partial<Observation> = {}): Observation => ({
  nowMs: 0,
  deadlineMs: 100,
  online: true,
  link,
  modes: [local, split, edge],
  creditsLeft: 4,
  ...change,
})
const chosen = (preference: Preference | undefined, change: Partial<Observation> = {}) =>
  weightedPolicy().decide(observe({ ...change, ...(preference ? { preference } : {}) })).mode

describe('the weighted policy', () => {
  it('takes the quickest, the thriftiest or the most accurate mode as it is told', () => {
    expect(chosen({ delay: 1 })).toBe(local.mode)
    expect(chosen({ energy: 1 })).toBe(edge.mode)
    expect(chosen({ accuracy: 1 })).toBe(split.mode)
  })

  it('weighs by ratios: weights times a thousand decide alike', () => {
    for (const preference of [
      { delay: 2, energy: 1 },
      { energy: 3, accuracy: 2 },
      { delay: 1, accuracy: 1 },
    ]) {
      const { delay = 0, energy = 0, accuracy = 0 } = preference as Preference
      const thousand = { delay: 1000 * delay, energy: 1000 * energy, accuracy: 1000 * accuracy }
      expect(chosen(thousand)).toBe(chosen(preference))
    }
  })

  it('follows a preference that changes, at the next frame', () => {
    const policy = weightedPolicy()
    const modes = [{ delay: 1 }, { energy: 1 }, { accuracy: 1 }, { delay: 1 }].map(
      (preference) => policy.decide(observe({ preference })).mode,
    )
    expect(modes).toEqual([1, 3, 2, 1])
  })

  it('decides by the last sound preference when one is not', () => {
    const policy = weightedPolicy()
    const decide = (preference: Preference) => policy.decide(observe({ preference })).mode
    expect(decide({ energy: 1 })).toBe(edge.mode)
    const bad = [
      { delay: -1 },
      { accuracy: Number.NaN },
      { delay: Infinity },
      { delay: '1' as never, energy: 1 },
    ]
    for (const preference of bad) expect(decide(preference)).toBe(edge.mode)
    expect(policy.counts.badPreference).toBe(bad.length)
    expect(decide({ delay: 1 })).toBe(local.mode)
    expect(chosen({ delay: Number.NaN })).toBe(chosen({ delay: 1, energy: 1, accuracy: 1 }))
    expect(chosen({})).toBe(chosen({ delay: 1, energy: 1, accuracy: 1 }))
    expect(chosen(undefined)).toBe(chosen({}))
  })

  it('takes nothing that is not in time, however thrifty or accurate', () => {
    const slow = { rateBps: 50_000, rttMs: 40, spreadMs: 1 }
    for (const preference of [{ energy: 1 }, { accuracy: 1 }]) {
      expect(chosen(preference, { link: slow, deadlineMs: 60 })).toBe(local.mode)
    }
  })

  it('counts the local answer that a late one costs: a chance of it makes a mode dearer', () => {
    // In time with 0.95: the twentieth part of the local answer's 0.5 J is more than the other's advantage.
    const dear = { ...local, energyJ: 0.5 }
    const near = { ...split, energyJ: 0.021, accuracy: 0.9 }
    const shaky = { ...edge, energyJ: 0.02, serverMs: 60, medianMs: 25 }
    const modes = [dear, near, shaky]
    expect(chosen({ energy: 1 }, { modes, deadlineMs: 85 })).toBe(near.mode)
    expect(chosen({ energy: 1 }, { modes, deadlineMs: 1000 })).toBe(shaky.mode)
  })

  it.each([
    ['offline', { online: false }],
    ['without a measured link', { link: undefined as never }],
    ['without credits', { creditsLeft: 0 }],
  ])('stays on the device %s', (_, change) => {
    expect(chosen({ energy: 1 }, change)).toBe(local.mode)
  })

  it('takes the quickest way when nothing is in time', () => {
    const plan = weightedPolicy().decide(observe({ deadlineMs: 1, preference: { energy: 1 } }))
    expect(plan).toMatchObject({ route: 'local', mode: 1 })
    expect(plan.reason).toContain('quickest')
  })

  it('refuses an observation without modes', () => {
    expect(() => weightedPolicy().decide(observe({ modes: [] }))).toThrow(
      expect.objectContaining({ code: 'NO_MODES' }),
    )
  })

  it('takes modes without known energy for those of a Raspberry Pi', () => {
    const unknown = ({ energyJ: _, ...mode }: ModeEstimate) => mode
    const known = (mode: ModeEstimate) => ({ ...mode, energyJ: frameEnergyJ(raspberryPiPower, mode, link)! })
    const modes = [local, split, edge]
    const change = { modes: modes.map(unknown) }
    for (let energy = 0; energy <= 1; energy += 0.1) {
      const preference = { energy, delay: 1 - energy }
      expect(chosen(preference, change)).toBe(chosen(preference, { modes: modes.map(known) }))
    }
  })

  it('never does worse by one objective for weighing it more', () => {
    const number = (min: number, max: number) => fc.double({ min, max, noNaN: true })
    const mode = fc.record({
      accuracy: number(0, 1),
      deviceMs: number(0, 80),
      energyJ: number(0, 0.2),
    })
    const weight = number(0, 1)
    fc.assert(
      fc.property(fc.array(mode, { minLength: 1, maxLength: 8 }), weight, weight, weight, (some, a, b, c) => {
        const modes = some.map((rest, at) => ({ ...local, ...rest, mode: at + 1 }))
        const take = (energy: number) => {
          const preference = { delay: a, accuracy: b, energy }
          const { mode } = weightedPolicy({ probeEvery: 0 }).decide(observe({ modes, preference }))
          return modes[mode - 1]!.energyJ
        }
        expect(take(c + 0.5)).toBeLessThanOrEqual(take(c) + 1e-9)
      }),
    )
  })

  it('tries what has been idle, and the device itself, now and then', () => {
    const policy = weightedPolicy({ probeEvery: 10, staleMs: 5000 })
    const used = new Map<number, number>()
    let localProbes = 0
    for (let frame = 0; frame < 1000; frame++) {
      const plan = policy.decide(observe({ nowMs: 100 * frame, preference: { accuracy: 1 } }))
      used.set(plan.mode, (used.get(plan.mode) ?? 0) + 1)
      if (plan.probeLocal) localProbes++
    }
    // 100 s: each idle way at most every five.
    expect(used.get(edge.mode)).toBeGreaterThan(10)
    expect(used.get(edge.mode)).toBeLessThanOrEqual(20)
    expect(localProbes).toBeGreaterThan(10)
    expect(localProbes).toBeLessThanOrEqual(20)
    expect(used.get(local.mode)).toBeUndefined()
  })

  it('tries nothing when told not to, nor what the link cannot carry in time', () => {
    const count = (probeEvery: number, deadlineMs: number) => {
      const policy = weightedPolicy({ probeEvery, staleMs: 100 })
      let probes = 0
      for (let frame = 0; frame < 100; frame++) {
        const plan = policy.decide(observe({ nowMs: 100 * frame, deadlineMs, preference: { delay: 1 } }))
        if (plan.mode !== local.mode) probes++
      }
      return probes
    }
    expect(count(0, 100)).toBe(0)
    expect(count(5, 100)).toBeGreaterThan(5)
    expect(arrivalTime(split, link).medianMs).toBeGreaterThan(12)
    expect(count(5, 12)).toBe(0)
  })

  it.each([
    ['energyUnitJ', { energyUnitJ: 0 }],
    ['errorUnit', { errorUnit: Number.NaN }],
    ['inTimeProbability', { inTimeProbability: 1.1 }],
    ['probeEvery', { probeEvery: -1 }],
    ['staleMs', { staleMs: '5' as never }],
    ['stalems', { stalems: 5 } as never],
  ])('is refused with a wrong %s', (field, options) => {
    expect(() => weightedPolicy(options)).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining(field) }),
    )
  })
})

describe('energy of a frame', () => {
  const power = { computeW: 2, sendW: 3, listenW: 0.5 }

  it('is that of computing alone on the device', () => {
    expect(frameEnergyJ(power, local, undefined)).toBeCloseTo(2 * 0.01, 12)
  })

  it('is that of computing, sending and waiting on other ways', () => {
    // 500 bytes at 1 Mbit/s: 4 ms; 10 ms round trip and 12 ms in the server.
    expect(frameEnergyJ(power, split, link)).toBeCloseTo(2 * 0.008 + 3 * 0.004 + 0.5 * 0.022, 12)
    expect(frameEnergyJ(power, split, undefined)).toBeUndefined()
  })
})
