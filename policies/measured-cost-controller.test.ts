import fc from 'fast-check'
import { expect, test } from 'vitest'
import { arrivalTime, probabilityInTime } from './arrival.ts'
import { measuredCostController } from './measured-cost-controller.ts'
import type { ModeEstimate, Observation, Policy } from './plan.ts'

const local: ModeEstimate = {
  mode: 1,
  route: 'local',
  accuracy: 0.88,
  payloadBytes: 0,
  deviceMs: 5,
  serverMs: 0,
}
const split: ModeEstimate = {
  mode: 2,
  route: 'split',
  accuracy: 0.93,
  payloadBytes: 560,
  deviceMs: 3,
  serverMs: 12,
}
const edge: ModeEstimate = {
  mode: 3,
  route: 'edge',
  accuracy: 0.94,
  payloadBytes: 3100,
  deviceMs: 1,
  serverMs: 14,
}
const fast = { rateBps: 5e6, rttMs: 10, spreadMs: 1 }

function observe(change: Partial<Observation> = {}): Observation {
  const base = {
    nowMs: 0,
    deadlineMs: 100,
    online: true,
    link: fast,
    modes: [local, split, edge],
    creditsLeft: 4,
  }
  return { ...base, ...change }
}

test('takes the most accurate mode when everything meets the deadline', () => {
  expect(measuredCostController().decide(observe())).toMatchObject({ route: 'edge', mode: 3 })
})

test('takes the smaller payload when the link cannot carry the larger one in time', () => {
  const link = { rateBps: 250_000, rttMs: 40, spreadMs: 0 }
  expect(measuredCostController().decide(observe({ link })).route).toBe('split')
})

test('counts the server time and the spread of the link, not only the transfer', () => {
  const slowTail = { ...split, serverMs: 90 }
  expect(measuredCostController().decide(observe({ modes: [local, slowTail] })).route).toBe('local')
  const link = { ...fast, spreadMs: 90 }
  expect(measuredCostController().decide(observe({ link })).route).toBe('local')
})

test.each([
  ['offline', { online: false }],
  ['without a link estimate', { link: undefined }],
  ['without credits', { creditsLeft: 0 }],
])('answers locally %s', (_, change) => {
  expect(measuredCostController().decide(observe(change)).route).toBe('local')
})

test('looks at what the user has given weight to, and at delay where neither delay nor energy has any', () => {
  const here = { ...local, accuracy: 0.9, deviceMs: 40 }
  const there = { ...edge, accuracy: 0.9, payloadBytes: 1000, deviceMs: 8, serverMs: 40 }
  const route = (preference: Observation['preference']) =>
    measuredCostController().decide(observe({ modes: [here, there], preference })).route
  expect(route(undefined)).toBe('local')
  expect(route({ accuracy: 1 })).toBe('local')
  expect(route({ delay: 1, energy: 0.01 })).toBe('local')
  expect(route({ energy: 1 })).toBe('edge')
  expect(route({ delay: 0, energy: 1 })).toBe('edge')
})

test('takes the fastest way when nothing meets the deadline', () => {
  expect(measuredCostController().decide(observe({ deadlineMs: 2 })).route).toBe('local')
  const slowLocal = { ...local, deviceMs: 500 }
  const plan = measuredCostController().decide(observe({ deadlineMs: 10, modes: [slowLocal, split] }))
  expect(plan.route).toBe('split')
})

test('an empty mode list is a typed error', () => {
  expect(() => measuredCostController().decide(observe({ modes: [] }))).toThrow(
    expect.objectContaining({ code: 'NO_MODES' }),
  )
})

const anyModes = fc.array(
  fc.record({
    route: fc.constantFrom('local', 'split', 'edge') as fc.Arbitrary<ModeEstimate['route']>,
    accuracy: fc.double({ min: 0, max: 1, noNaN: true }),
    payloadBytes: fc.integer({ min: 0, max: 50_000 }),
    deviceMs: fc.integer({ min: 0, max: 200 }),
    serverMs: fc.integer({ min: 0, max: 100 }),
  }),
  { minLength: 1, maxLength: 8 },
)

test('with a local answer to step in, a mode that will rather be late is never taken', () => {
  fc.assert(
    fc.property(anyModes, fc.integer({ min: 20, max: 500 }), (drawn, deadlineMs) => {
      const modes = [local, ...drawn.map((mode, index) => ({ ...mode, mode: 10 + index }))]
      const plan = measuredCostController().decide(observe({ deadlineMs, modes }))
      const chosen = modes.find(({ mode }) => mode === plan.mode)!
      expect(probabilityInTime(arrivalTime(chosen, fast), deadlineMs)).toBeGreaterThanOrEqual(0.5)
      expect(plan.expectedMs).toBeLessThanOrEqual(deadlineMs)
      const sure = modes.filter((mode) => probabilityInTime(arrivalTime(mode, fast), deadlineMs) > 0.999)
      expect(chosen.accuracy).toBeGreaterThan(Math.max(...sure.map(({ accuracy }) => accuracy)) - 0.01)
    }),
  )
})

test('without one, a good mode that is probably in time beats a poor one that surely is', () => {
  const poor = { ...split, mode: 4, accuracy: 0.3, deviceMs: 10, serverMs: 5 }
  const good = { ...split, mode: 5, accuracy: 0.9, deviceMs: 80, serverMs: 15, medianMs: 70 }
  const link = { rateBps: 1e8, rttMs: 1 }
  expect(measuredCostController().decide(observe({ modes: [poor, good], link })).mode).toBe(5)
  expect(measuredCostController().decide(observe({ modes: [local, good], link, deadlineMs: 80 })).mode).toBe(
    1,
  )
  expect(measuredCostController().decide(observe({ modes: [poor, good], link, deadlineMs: 50 })).mode).toBe(4)
})

test('stays within six switches a minute on a noisy but stationary link at the edge of feasibility', () => {
  const policy = measuredCostController({ probeEvery: 0 })
  let seed = 3
  const random = () => {
    seed = (seed * 16807) % 2147483647
    return seed / 2147483647
  }
  const switches: number[] = []
  let last: number | undefined
  for (let nowMs = 0; nowMs < 300_000; nowMs += 100) {
    // Expected time of split swings around both margins of the deadline.
    const link = { rateBps: 250_000, rttMs: 45 + 40 * random() }
    const { mode } = policy.decide(observe({ nowMs, link, modes: [local, split] }))
    if (last !== undefined && mode !== last) switches.push(nowMs)
    last = mode
  }
  const lastMinutes = switches.filter((ms) => ms > 60_000)
  expect(lastMinutes.length / 4).toBeLessThanOrEqual(6)
})

test('leaves at once when the link breaks down, and comes back when it recovers', () => {
  const policy = measuredCostController({ probeEvery: 0 })
  expect(policy.decide(observe()).route).toBe('edge')
  expect(policy.decide(observe({ nowMs: 100, link: { rateBps: 20_000, rttMs: 40 } })).route).toBe('local')
  expect(policy.decide(observe({ nowMs: 200 })).route).not.toBe('edge')
  expect(policy.decide(observe({ nowMs: 10_000 })).route).toBe('edge')
})

test('a remote mode that has been idle is probed now and then, at most every so many frames', () => {
  const policy = measuredCostController({ probeEvery: 20, staleMs: 1000 })
  const used = new Map<number, number>()
  for (let frame = 0; frame < 400; frame++) {
    const { mode } = policy.decide(observe({ nowMs: frame * 100 }))
    used.set(mode, (used.get(mode) ?? 0) + 1)
  }
  expect(used.get(2)).toBeGreaterThan(3)
  expect(used.get(2)).toBeLessThanOrEqual(400 / 20)
  expect(used.get(1)).toBeUndefined()
})

test('without a local answer a mode that would probably be late is not probed', () => {
  const policy = measuredCostController({ probeEvery: 5, staleMs: 100 })
  const slow = { ...edge, deviceMs: 95 }
  for (let frame = 0; frame < 100; frame++) {
    expect(policy.decide(observe({ nowMs: frame * 100, modes: [split, slow] })).mode).toBe(2)
  }
})

const localProbes = (
  policy: Policy,
  frames: number,
  change: (frame: number) => Partial<Observation> = () => ({}),
) =>
  Array.from({ length: frames }, (_, frame) =>
    policy.decide(observe({ nowMs: frame * 100, ...change(frame) })),
  ).filter(({ probeLocal }) => probeLocal)

test('a share of the frames that are sent is computed locally too, and answered by the server all the same', () => {
  const policy = measuredCostController({ localProbeShare: 0.1, staleMs: 0 })
  const probes = localProbes(policy, 500)
  expect(probes.length).toBeGreaterThan(45)
  expect(probes.length).toBeLessThanOrEqual(50)
  expect(probes.every(({ route }) => route === 'edge' || route === 'split')).toBe(true)
})

test('by default the local time is measured every 20 s, after drifts more often, at most one frame in ten, and never when told so', () => {
  expect(localProbes(measuredCostController(), 1000)).toHaveLength(4)
  expect(localProbes(measuredCostController(), 1000, (frame) => ({ drifts: frame })).length).toBeGreaterThan(
    95,
  )
  expect(localProbes(measuredCostController({ localProbeShare: 0 }), 1000)).toHaveLength(0)
})

test('a drift makes what is known of idle modes old at once', () => {
  const policy = measuredCostController({ probeEvery: 25 })
  const until = (frame: number) => ({ drifts: frame < 60 ? 0 : 1 })
  const frames = Array.from({ length: 100 }, (_, frame) =>
    policy.decide(observe({ nowMs: frame * 100, ...until(frame) })),
  )
  const probes = frames.flatMap(({ mode }, frame) => (mode === 2 ? [frame] : []))
  // The first is due because mode 2 was never used, the next one would be 20 s later.
  expect(probes).toHaveLength(2)
  expect(probes[1]).toBe(60)
})

test('options that make no sense are refused by name', () => {
  expect(() => measuredCostController({ margin: 1.5 })).toThrow(/margin must be a number from 0 to 1/)
  expect(() => measuredCostController({ holdOffMs: Number.NaN })).toThrow(/holdOffMs/)
})

test('a mode whose server times went bad is taken up again after a probe measured better ones', () => {
  const policy = measuredCostController({ probeEvery: 10, staleMs: 500 })
  let serverMs = 400
  let probes = 0
  for (let frame = 0; frame < 100; frame++) {
    const plan = policy.decide(observe({ nowMs: frame * 100, modes: [local, { ...split, serverMs }] }))
    if (plan.route === 'split' && serverMs === 400) {
      probes++
      serverMs = 12
    }
  }
  expect(probes).toBe(1)
  const plan = policy.decide(observe({ nowMs: 10_000, modes: [local, { ...split, serverMs }] }))
  expect(plan.route).toBe('split')
})

test('equal accuracy: the weights of delay and energy decide', () => {
  const slowCheap = { ...local, mode: 1, accuracy: 0.9, deviceMs: 40 }
  const fastDear: ModeEstimate = { ...split, mode: 2, accuracy: 0.9, deviceMs: 50, serverMs: 1 }
  const link = { rateBps: 1e7, rttMs: 1 }
  const modes = [{ ...slowCheap, deviceMs: 80 }, fastDear]
  expect(measuredCostController().decide(observe({ modes, link })).mode).toBe(2)
  const heavyHead = [slowCheap, { ...fastDear, deviceMs: 38, serverMs: 0, payloadBytes: 0 }]
  expect(measuredCostController().decide(observe({ modes: heavyHead, link })).mode).toBe(2)
  const thrifty = { delay: 0.1, energy: 0.9 }
  const dearSend = [slowCheap, { ...fastDear, deviceMs: 30, serverMs: 0, payloadBytes: 30_000 }]
  expect(measuredCostController().decide(observe({ modes: dearSend, link, preference: thrifty })).mode).toBe(
    1,
  )
})
