import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { gmorlRadio, shannonRate } from '../../env/index.ts'
import { measuredCostController } from '../../measured-cost-controller.ts'
import { type RateTrace, TraceLink } from '../rate-trace.ts'
import { FleetLinks } from './fleet-links.ts'
import { type FleetOptions, fleetSettings, type Link } from './fleet-options.ts'
import { devicePolicies, type FleetPolicy, FleetSimulation, sameMode } from './index.ts'
import { shannonSettings, signalToNoise } from './shannon-link.ts'

const mode = { mode: 1, route: 'split', accuracy: 0.9, payloadBytes: 65, headMs: 10, tailMs: 20 } as const
const local = { mode: 2, route: 'local', accuracy: 0.8, payloadBytes: 0, headMs: 40, tailMs: 0 } as const
/** One device, one frame at 1 s, 100 kbit/s: head 10 ms, 1,000 bits in 10 ms, round trip 20 ms, tail 20 ms. */
const single = {
  seed: 1,
  horizonS: 10,
  modes: [mode, local],
  devices: [{ count: 1, arrivals: { kind: 'recorded', atS: [1] }, link: { kind: 'fixed', rateBps: 1e5 } }],
  servers: [{ busyW: 10 }],
} satisfies FleetOptions
const group = single.devices[0]!
const link = (of: Link) => new FleetLinks(fleetSettings({ ...single, devices: [{ ...group, link: of }] }))
const mixed: FleetPolicy = {
  name: 'mixed',
  decide: (fleet, device) => (device + Math.floor(7 * fleet.nowS)) % fleet.candidates.length,
}
const trace: RateTrace = {
  atS: Float64Array.of(0, 1, 2),
  rateBps: Float64Array.of(1e5, 1e6, 3e5),
  durationS: 4,
}
/** Something of everything, and overloaded. */
const varied = (seed: number, atHorizon: 'report' | 'drain' = 'report'): FleetOptions => ({
  seed,
  horizonS: 20,
  devices: [
    {
      count: 20,
      arrivals: { kind: 'periodic', everyS: 0.1 },
      link: { kind: 'fixed', rateBps: [1e5, 1e6] },
      deadlineS: 0.2,
    },
    {
      count: 20,
      arrivals: { kind: 'poisson', perS: 5 },
      link: { kind: 'shannon', distanceM: [50, 1000] },
      idleW: 0.05,
    },
    {
      count: 20,
      arrivals: { kind: 'poisson', perS: 3 },
      link: { kind: 'gilbert-elliott', goodBps: 1e6, badBps: 0, meanGoodS: 2, meanBadS: 1 },
      deadlineS: 0.5,
      sizeVariation: 2,
      batteryJ: 1,
    },
    {
      count: 20,
      arrivals: { kind: 'poisson', perS: 3 },
      link: { kind: 'trace', traces: [trace] },
      deadlineS: 0.1,
    },
  ],
  servers: [
    { discipline: 'sharing', busyW: 20, idleW: 5 },
    { discipline: 'fifo', workers: 2, busyW: 20 },
    { discipline: 'batching', idleW: 1 },
  ],
  atHorizon,
})

describe('one frame', () => {
  it('takes head, transfer, round trip and tail, and the energy of each', () => {
    const result = new FleetSimulation(single).run(sameMode(1))
    expect(result.latency.meanS).toBeCloseTo(0.06, 12)
    expect(result.energy.partsNj).toEqual({
      compute: 0.5 * 10e6,
      send: 1 * 10e6,
      listen: 0.3 * 40e6,
      idle: 0,
      server: 10 * 20e6,
    })
    expect(result).toMatchObject({
      decisions: 1,
      answered: 1,
      late: 0,
      dropped: 0,
      unfinished: 0,
      dropRatio: 0,
    })
    expect(result.error).toBeCloseTo(0.1, 12)
    expect(result.byRoute).toEqual({ local: 0, split: 1, edge: 0 })
  })

  it.each([
    ['is given up in the head', 0.005, { late: 0, dropped: 1 }, { compute: 0.5 * 5e6, send: 0, listen: 0 }],
    [
      'is given up on the link',
      0.015,
      { late: 0, dropped: 1 },
      { compute: 0.5 * 10e6, send: 5e6, listen: 0 },
    ],
    [
      'is thrown away by the server',
      0.025,
      { late: 0, dropped: 1 },
      { send: 10e6, listen: 0.3 * 5e6, server: 0 },
    ],
    ['is answered too late', 0.05, { late: 1, dropped: 0 }, { listen: 0.3 * 30e6, server: 10 * 20e6 }],
  ])('%s at its deadline, and what was spent counts', (_, deadlineS, outcome, parts) => {
    const options = { ...single, devices: [{ ...group, deadlineS }] }
    const result = new FleetSimulation(options).run(sameMode(1))
    expect(result).toMatchObject({ ...outcome, answered: 0, unfinished: 0, dropRatio: 1, error: 1 })
    for (const [part, nj] of Object.entries(parts)) {
      expect(result.energy.partsNj[part as keyof typeof parts] - nj).toBeCloseTo(0, -1)
    }
  })

  it('is unfinished when the horizon comes first, or waited for', () => {
    const soon = { ...single, horizonS: 1.03 }
    const cut = new FleetSimulation(soon).run(sameMode(1))
    expect(cut).toMatchObject({ answered: 0, late: 0, dropped: 0, unfinished: 1 })
    expect(cut.energy.partsNj.listen).toBeCloseTo(0.3 * 10e6, -1)
    expect(new FleetSimulation({ ...soon, atHorizon: 'drain' }).run(sameMode(1)).answered).toBe(1)
  })

  it('waits behind earlier ones for processor and radio', () => {
    const devices = [{ ...group, arrivals: { kind: 'recorded', atS: [1, 1, 1] } as const }]
    const slow = { ...single, devices, modes: [{ ...mode, payloadBytes: 190 }] }
    const { latency } = new FleetSimulation({ ...slow, servers: [{ workers: 3 }] }).run(sameMode(1))
    // 2,000 bits take 20 ms: the frames leave at 30, 50 and 70 ms.
    expect(latency.meanS).toBeCloseTo(0.05 + 0.04, 9)
  })

  it('shares a batch with those that come while it waits', () => {
    const devices = [{ ...group, count: 4, link: { kind: 'fixed', rateBps: 1e12 } as const }]
    const servers = [
      { discipline: 'batching', maxBatch: 3, batchWaitS: 0.005, setupS: 0.01, share: 0.5, rttS: 0 } as const,
    ]
    const { latency, servers: served } = new FleetSimulation({ ...single, devices, servers }).run(sameMode(1))
    // Three fill a batch of 10 + 3 · 10 ms; the fourth goes when that is done, 10 + 10 ms.
    expect(latency.meanS).toBeCloseTo(0.01 + (3 * 0.04 + 0.06) / 4, 6)
    expect(served[0]!.busyS).toBeCloseTo(0.06, 9)
  })
})

describe('a fleet', () => {
  it('repeats itself by seed to the last bit, and does not with another', () => {
    const first = new FleetSimulation(varied(5)).run(mixed)
    expect(new FleetSimulation(varied(5)).run(mixed)).toEqual(first)
    expect(new FleetSimulation(varied(6)).run(mixed).latency.meanS).not.toBe(first.latency.meanS)
    expect(first.deadDevices).toBeGreaterThan(0)
    for (const outcome of ['answered', 'late', 'dropped', 'unfinished'] as const)
      expect(first[outcome]).toBeGreaterThan(0)
  })

  it('accounts for every frame and every nanojoule', () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.constantFrom('report' as const, 'drain' as const), (seed, atHorizon) => {
        const result = new FleetSimulation({ ...varied(seed, atHorizon), horizonS: 3 }).run(mixed)
        const { partsNj, totalNj, devicesNj, totalJ } = result.energy
        const sum = Object.values(partsNj).reduce((all, nj) => all + nj, 0)
        expect(sum).toBe(totalNj)
        expect(devicesNj + partsNj.server).toBe(totalNj)
        expect(totalJ).toBe(totalNj / 1e9)
        expect(Math.min(...Object.values(partsNj))).toBeGreaterThan(0)
        expect(result.answered + result.late + result.dropped + result.unfinished).toBe(result.decisions)
        expect(result.deviceFrames.reduce((all, frames) => all + frames, 0)).toBe(result.decisions)
        expect(result.deviceMissed.reduce((all, frames) => all + frames, 0)).toBe(
          result.late + result.dropped,
        )
        // What is drained is unfinished only if no link ever carries it.
        if (atHorizon === 'drain') expect(result.unfinished).toBe(0)
      }),
      { numRuns: 20 },
    )
  })

  it('brings every policy the same frames', () => {
    const times = (policy: FleetPolicy) => {
      const seen: number[] = []
      const devices = varied(3).devices.filter(({ batteryJ }) => batteryJ === undefined)
      new FleetSimulation({ ...varied(3), devices }).run({
        name: 'spy',
        begin: (fleet) => policy.begin?.(fleet),
        decide: (fleet, device) => {
          seen.push(fleet.nowS, device, fleet.size)
          return policy.decide(fleet, device)
        },
      })
      return seen
    }
    expect(times(sameMode(15))).toEqual(times(sameMode(1)))
  })

  it('of 10,000 devices runs, and ends', () => {
    const devices = [{ ...group, count: 10_000, arrivals: { kind: 'periodic', everyS: 1 } as const }]
    const servers = Array(10).fill({ workers: 32 })
    const result = new FleetSimulation({ ...single, horizonS: 5, devices, servers }).run(sameMode(1))
    expect(result.decisions).toBe(50_000)
    expect(result.answered).toBeGreaterThan(49_000)
  })

  it('goes silent when its batteries are spent', () => {
    const battery = {
      ...group,
      arrivals: { kind: 'periodic', everyS: 0.1 } as const,
      idleW: 0.1,
      batteryJ: 0.5,
    }
    const result = new FleetSimulation({ ...single, devices: [battery] }).run(sameMode(2))
    // A frame takes 20 mJ, and being on 10 mJ until the next.
    expect(result.decisions).toBeGreaterThanOrEqual(16)
    expect(result.decisions).toBeLessThanOrEqual(18)
    expect(result.deadDevices).toBe(1)
  })

  it('runs the decision code of a real device', () => {
    const rate = (rateBps: number) => ({
      ...group,
      count: 20,
      deadlineS: 0.1,
      link: { kind: 'fixed', rateBps } as const,
    })
    const arrivals = { kind: 'periodic', everyS: 0.2 } as const
    const play = (rateBps: number) =>
      new FleetSimulation({
        ...single,
        servers: [{ workers: 20 }],
        devices: [{ ...rate(rateBps), arrivals }],
      }).run(devicePolicies('controller', () => measuredCostController()))
    expect(play(5e5).byRoute.split).toBeGreaterThan(900)
    expect(play(1e4).byRoute.local).toBeGreaterThan(900)
  })

  it('tells the devices what they measured and what the servers reported', () => {
    const seen: { rateBps: number; waitMs: number }[] = []
    const arrivals = { kind: 'periodic', everyS: 0.05 } as const
    const base = { ...single, devices: [{ ...group, count: 4, arrivals }], reportS: 0.5 }
    new FleetSimulation(base).run({
      name: 'spy',
      decide: (fleet, device) => {
        const { link: known, modes } = fleet.observe(device)
        seen.push({ rateBps: known.rateBps, waitMs: modes[0]!.serverMs - 20 })
        return 0
      },
    })
    for (const { rateBps } of seen) expect(rateBps).toBeCloseTo(1e5, 3)
    // 80 frames a second of 20 ms each are too many for one server.
    expect(seen.at(-1)!.waitMs).toBeGreaterThan(1000)
    expect(seen[0]!.waitMs).toBe(0)
  })

  it('lets a device learn from what it had to give up', () => {
    const falls: RateTrace = {
      atS: Float64Array.of(0, 1),
      rateBps: Float64Array.of(1e6, 5e3),
      durationS: 1.01,
    }
    const device = {
      ...group,
      arrivals: { kind: 'periodic', everyS: 0.1 } as const,
      link: { kind: 'trace', traces: [falls], afterEnd: 'hold' } as const,
      deadlineS: 0.1,
    }
    const seen: number[] = []
    const { dropped } = new FleetSimulation({ ...single, devices: [device] }).run({
      name: 'spy',
      decide: (fleet, at) => {
        seen.push(fleet.observe(at).link.rateBps)
        return 0
      },
    })
    expect(dropped).toBeGreaterThan(80)
    expect(seen[0]).toBeGreaterThan(5e5)
    expect(seen.at(-1)).toBeLessThan(2e4)
  })

  it('waits no longer than the horizon for a link that has died', () => {
    const dies: RateTrace = { atS: Float64Array.of(0, 1), rateBps: Float64Array.of(1e6, 0), durationS: 1.01 }
    const link = { kind: 'trace', traces: [dies], afterEnd: 'hold' } as const
    const devices = [{ ...group, arrivals: { kind: 'periodic', everyS: 1 } as const, link }]
    const result = new FleetSimulation({ ...single, devices, atHorizon: 'drain' }).run(sameMode(1))
    expect(result.unfinished).toBeGreaterThan(7)
    expect(result.energy.partsJ.send).toBeLessThan(10)
    expect(result.energy.partsJ.send).toBeGreaterThan(7)
  })

  it('refuses to run twice, and what is no candidate', () => {
    const simulation = new FleetSimulation(single)
    simulation.run(sameMode(1))
    expect(() => simulation.run(sameMode(1))).toThrow(/EPISODE_OVER|been played/)
    for (const action of [2, -1, 0.5, Number.NaN]) {
      const bad = { name: 'bad', decide: () => action }
      expect(() => new FleetSimulation(single).run(bad)).toThrow(
        expect.objectContaining({ code: 'BAD_ACTION' }),
      )
    }
  })
})

describe('links', () => {
  it("have Shannon's rate at their distance", () => {
    const radio = shannonSettings({
      kind: 'shannon',
      distanceM: 1,
      bandwidthHz: gmorlRadio.bandwidthHz,
      transmitW: gmorlRadio.transmitW,
    })
    for (const distanceM of [50, 275, 1000]) {
      const rateBps = radio.bandwidthHz * Math.log2(1 + signalToNoise(radio, distanceM))
      expect(rateBps / shannonRate(gmorlRadio, distanceM)).toBeCloseTo(1, 12)
    }
    const still = link({ kind: 'shannon', distanceM: 300, fading: false })
    const bps = 1e6 * Math.log2(1 + signalToNoise(shannonSettings({ kind: 'shannon', distanceM: 300 }), 300))
    expect(still.endS(0, 2, bps, Infinity)).toBeCloseTo(3, 9)
  })

  it('fade from block to block about the same mean, and forget nothing of a message', () => {
    const fading = link({ kind: 'shannon', distanceM: 300, coherenceS: 0.1 })
    const whole = fading.endS(0, 0, 1e7, Infinity)
    expect(fading.endS(0, fading.endS(0, 0, 4e6, Infinity), 6e6, Infinity)).toBeCloseTo(whole, 9)
    expect(fading.endS(0, 0, 1e7, whole / 2)).toBe(Infinity)
  })

  it('are good and bad in their shares', () => {
    const chain = link({ kind: 'gilbert-elliott', goodBps: 3e6, badBps: 1e6, meanGoodS: 3, meanBadS: 1 })
    const endS = chain.endS(0, 0, 2.5e6 * 20_000, Infinity)
    expect(endS / 20_000).toBeGreaterThan(0.98)
    expect(endS / 20_000).toBeLessThan(1.02)
  })

  it('replay recorded ones as TraceLink does', () => {
    const replayed = link({ kind: 'trace', traces: [trace], scale: 2, interpolation: 'linear' })
    const settings = fleetSettings(single)
    expect(settings.devices).toBe(1)
    const offsets = Array.from({ length: 400 }, (_, at) => at / 100)
    const ends = [0, 1.5, 7].map((startS) => replayed.endS(0, startS, 3e6, Infinity))
    const fits = offsets.some((offsetS) => {
      const same = new TraceLink(trace, { scale: 2, interpolation: 'linear', offsetS })
      return [0, 1.5, 7].every((startS, at) => Math.abs(same.finishS(startS, 3e6) - ends[at]!) < 0.02)
    })
    expect(fits).toBe(true)
  })
})

describe('bad input', () => {
  const broken = (change: object): FleetOptions => ({ ...single, ...change })
  const withGroup = (change: object) => broken({ devices: [{ ...group, ...change }] })
  const gap: RateTrace = { ...trace, atS: Float64Array.of(0, 2, 1) }
  it.each<[RegExp, FleetOptions]>([
    [/servers: 0/, broken({ servers: [] })],
    [/servers: 1000/, broken({ servers: Array(1000).fill({}) })],
    [/servers\[0\]\.discipline/, broken({ servers: [{ discipline: 'lifo' }] })],
    [/servers\[0\]\.workers/, broken({ servers: [{ workers: 0 }] })],
    [/servers\[0\]\.rttS may be/, broken({ servers: [{ rttS: 3 }] })],
    [/devices: 0/, broken({ devices: [] })],
    [
      /devices: 2000000/,
      broken({
        devices: [
          { ...group, count: 1e6 },
          { ...group, count: 1e6 },
        ],
      }),
    ],
    [/devices\[0\]\.count/, withGroup({ count: 0 })],
    [/devices\[0\]\.sizeVariation/, withGroup({ sizeVariation: 0.5 })],
    [/devices\[0\]\.deadlineS/, withGroup({ deadlineS: -1 })],
    [/devices\[0\]\.power\.sendW/, withGroup({ power: { sendW: -1 } })],
    [/devices\[0\]\.arrivals\.kind/, withGroup({ arrivals: { kind: 'often' } })],
    [/devices\[0\]\.arrivals\.atS\[1\]/, withGroup({ arrivals: { kind: 'recorded', atS: [2, 1] } })],
    [/devices\[0\]\.arrivals\.atS\[0\]/, withGroup({ arrivals: { kind: 'recorded', atS: [-1] } })],
    [/devices\[0\]\.arrivals\.perS/, withGroup({ arrivals: { kind: 'poisson', perS: Number.NaN } })],
    [/devices\[0\]\.link\.kind/, withGroup({ link: { kind: 'wire' } })],
    [/devices\[0\]\.link\.rateBps/, withGroup({ link: { kind: 'fixed', rateBps: 0 } })],
    [/devices\[0\]\.link\.badBps/, withGroup({ link: { kind: 'gilbert-elliott', goodBps: 1, badBps: -1 } })],
    [/devices\[0\]\.link\.traces\[0\]: atS\[2\]/, withGroup({ link: { kind: 'trace', traces: [gap] } })],
    [/modes\[0\]\.headMs/, broken({ modes: [{ ...mode, headMs: -1 }] })],
    [/modes\[0\]\.accuracy/, broken({ modes: [{ ...mode, accuracy: 2 }] })],
    [/distanceM: at 10000000 m/, withGroup({ link: { kind: 'shannon', distanceM: [5, 1e7] } })],
    [/seed/, broken({ seed: -1 })],
    [/"horizon"/, broken({ horizon: 1 })],
    [/horizonS/, broken({ horizonS: 0 })],
  ])('is refused by name: %s', (message, options) => {
    expect(() => new FleetSimulation(options)).toThrow(
      expect.objectContaining({
        code: expect.stringMatching(/^BAD_(OPTION|TRACE)$/),
        message: expect.stringMatching(message),
      }),
    )
  })
})
