import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cifarManifestModes } from '../../sim/cifar-modes.ts'
import type { RateTrace } from '../../sim/rate-trace.ts'
import { checkEnvironment, RandomStream, SplitEnvironment, type SplitOptions } from '../index.ts'

const steady = (rateBps: number): RateTrace => ({
  atS: Float64Array.of(0),
  rateBps: Float64Array.of(rateBps),
  durationS: 100,
})
/** 1 Mbit/s, one idle server 20 ms away, nothing by chance. */
const calm = {
  traces: [steady(1e6)],
  servers: [{ load: 0, rttS: 0.02 }],
  jitterS: 0,
} satisfies SplitOptions
const actionOf = (environment: SplitEnvironment, mode: number) =>
  environment.candidates.findIndex((candidate) => candidate.mode.mode === mode)

describe('environment split', () => {
  it('keeps what environments promise', () => {
    const variants: SplitOptions[] = [
      {},
      { credits: 1, arrivals: 'poisson', frameS: [0.02, 0.1], deadlineS: [0.05, 0.4] },
      { servers: [{ workers: 3, load: [0.5, 2] }, {}, { speed: [0.5, 8] }], reportS: 0.01 },
    ]
    for (const options of variants) {
      expect(
        checkEnvironment(() => new SplitEnvironment({ frames: 60, ...options }), { episodes: 2 }),
      ).toEqual([])
    }
  })

  it('has the modes of the committed bundle by default', () => {
    const path = fileURLToPath(new URL('../../../../models/bundles/cifar10/manifest.json', import.meta.url))
    const { modes } = JSON.parse(readFileSync(path, 'utf8'))
    const table = modes.map((mode: (typeof cifarManifestModes)[number]) => ({
      id: mode.id,
      route: mode.route,
      accuracy: mode.accuracy,
      payloadBytes: mode.payloadBytes,
      headMacs: mode.headMacs,
      tailMacs: mode.tailMacs,
    }))
    expect(cifarManifestModes).toEqual(table)
  })

  it('charges a frame head, transfer, round trip and tail, and the energy of each', () => {
    const environment = new SplitEnvironment(calm)
    environment.reset({ seed: 1 })
    const { info } = environment.step(actionOf(environment, 9))
    const headS = 762_168 / 2e8
    const sendS = (8 * (127 + 60)) / 1e6
    const waitS = 0.02 + 76_604_800 / 5e9
    expect(info.delayS).toBeCloseTo(headS + sendS + waitS, 12)
    expect(info.computeJ).toBeCloseTo(0.5 * headS, 12)
    expect(info.sendJ).toBeCloseTo(1 * sendS, 12)
    expect(info.listenJ).toBeCloseTo(0.3 * waitS, 12)
    expect(info.energyJ).toBe(info.computeJ + info.sendJ + info.listenJ)
    expect(info.error).toBeCloseTo(1 - 0.9093, 12)
  })

  it('lets frames wait for the processor, and gives them up at the deadline', () => {
    const environment = new SplitEnvironment({ ...calm, frameS: 0.05, deadlineS: 0.1 })
    environment.reset({ seed: 1 })
    const headS = 12_411_280 / 2e8
    const delays: number[] = []
    const energies: number[] = []
    for (let frame = 0; frame < 6; frame++) {
      const { info } = environment.step(actionOf(environment, 1))
      delays.push(info.delayS)
      energies.push(info.energyJ)
      expect(info.late).toBe(info.error === 1)
    }
    const backlogS = headS - 0.05
    for (const frame of [0, 1, 2, 3]) expect(delays[frame]).toBeCloseTo(headS + frame * backlogS, 12)
    // The fifth would be done after 0.110 s.
    expect(delays[4]).toBeCloseTo(0.1, 12)
    expect(energies[4]).toBeCloseTo(0.5 * (0.1 - 4 * backlogS), 12)
    expect(environment.step(actionOf(environment, 1)).info.lateFrames).toBeGreaterThan(0)
  })

  it('listens once through waits that overlap', () => {
    const environment = new SplitEnvironment({ ...calm, servers: [{ load: 0, rttS: 0.1 }], frameS: 0.02 })
    environment.reset({ seed: 1 })
    const raw = actionOf(environment, 17)
    const first = { ...environment.step(raw).info }
    const second = { ...environment.step(raw).info }
    expect(first.listenJ).toBeCloseTo(0.3 * (0.1 + 89_983_264 / 5e9), 12)
    // The second comes 20 ms later and is answered 20 ms later.
    expect(second.listenJ).toBeCloseTo(0.3 * 0.02, 12)
  })

  it('foresees what a step will bring, and changes nothing by it', () => {
    const random = new RandomStream(3)
    const environment = new SplitEnvironment({ arrivals: 'poisson', frameS: 0.05 })
    const mask = new Uint8Array(environment.actionCount)
    const reward = new Float64Array(3)
    const ignored = new Float64Array(3)
    let late = 0
    for (let seed = 0; seed < 5; seed++) {
      environment.reset({ seed })
      for (let truncated = false; !truncated; ) {
        environment.validActions(mask)
        const valid = [...mask.keys()].filter((action) => mask[action] === 1)
        const action = valid[random.below(valid.length)]!
        environment.foresee(action, reward)
        for (const other of valid.slice(0, 5)) environment.foresee(other, ignored)
        const result = environment.step(action)
        expect([...result.reward]).toEqual([...reward])
        if (result.info.late) late++
        truncated = result.truncated
      }
    }
    expect(late).toBeGreaterThan(20)
  })

  it('shows nothing of the future: another link from now on looks the same until now', () => {
    const trace = (after: number, factor: number): RateTrace => ({
      atS: Float64Array.from({ length: 400 }, (_, at) => at / 4),
      rateBps: Float64Array.from(
        { length: 400 },
        (_, at) => (1e6 + 5e5 * Math.sin(at)) * (at / 4 > after ? factor : 1),
      ),
      durationS: 100,
    })
    const seed = 4
    const { offsetS } = new SplitEnvironment({ traces: [trace(1e3, 1)] }).reset({ seed }).info
    expect(offsetS).toBeLessThan(80)
    const seen = [1, 0.3, 3].map((factor) => {
      const environment = new SplitEnvironment({ traces: [trace(offsetS + 8, factor)] })
      const random = new RandomStream(7)
      let { observation } = environment.reset({ seed })
      const before: string[] = []
      const after: string[] = []
      for (let frame = 0; frame < 150; frame++) {
        const text = JSON.stringify(observation)
        if (observation.nowMs < 8000) before.push(text)
        else after.push(text)
        observation = environment.step(random.below(environment.actionCount)).observation
      }
      return { before: before.join(), after: after.join() }
    })
    expect(seen[1]!.before).toBe(seen[0]!.before)
    expect(seen[2]!.before).toBe(seen[0]!.before)
    expect(seen[1]!.after).not.toBe(seen[0]!.after)
  })

  it('measures the link and the servers by its own frames', () => {
    const environment = new SplitEnvironment({ ...calm, servers: [{ load: 0, rttS: 0.03 }, { load: 1.5 }] })
    let { observation } = environment.reset({ seed: 2 })
    for (let frame = 0; frame < 100; frame++) {
      ;({ observation } = environment.step(actionOf(environment, 15)))
    }
    expect(observation.link.rateBps).toBeCloseTo(1e6, -1)
    expect(observation.servers[0]!.waitMs).toBe(0)
    expect(observation.servers[0]!.rttMs).toBeCloseTo(30, 6)
    expect(observation.servers[1]!.waitMs).toBeGreaterThan(100)
    expect(observation.servers[1]!.ageMs).toBeLessThanOrEqual(1100)
  })

  it('bars what would be sent without credits', () => {
    const environment = new SplitEnvironment({ ...calm, credits: 2, frameS: 0.01 })
    const mask = new Uint8Array(environment.actionCount)
    environment.reset({ seed: 1 })
    for (let frame = 0; frame < 2; frame++) environment.step(actionOf(environment, 15))
    expect(environment.validActions(mask)).toBe(1)
    expect(() => environment.step(actionOf(environment, 15))).toThrow(/credits/)
    environment.step(actionOf(environment, 1))
  })

  it('accounts for all energy, in any system', () => {
    fc.assert(
      fc.property(
        fc.nat(1000),
        fc.nat(1e6),
        fc.double({ min: 0.01, max: 0.3, noNaN: true }),
        (seed, pick, gap) => {
          const environment = new SplitEnvironment({ frames: 30, frameS: gap })
          const random = new RandomStream(pick)
          const mask = new Uint8Array(environment.actionCount)
          const { info } = environment.reset({ seed })
          let total = 0
          for (let truncated = false; !truncated; ) {
            environment.validActions(mask)
            const valid = [...mask.keys()].filter((action) => mask[action] === 1)
            truncated = environment.step(valid[random.below(valid.length)]!).truncated
            expect(info.energyJ).toBe(info.computeJ + info.sendJ + info.listenJ)
            expect(Math.min(info.computeJ, info.sendJ, info.listenJ)).toBeGreaterThanOrEqual(0)
            total += info.energyJ
          }
          expect(info.totalEnergyJ).toBe(total)
        },
      ),
      { numRuns: 30 },
    )
  })

  const gap: RateTrace = { atS: Float64Array.of(0, 2, 1), rateBps: Float64Array.of(1, 1, 1), durationS: 3 }
  const mode = { mode: 1, route: 'local', accuracy: 0.9, payloadBytes: 0, headMs: 5, tailMs: 0 } as const
  it.each<[RegExp, string, SplitOptions]>([
    [/servers: 0/, 'BAD_OPTION', { servers: [] }],
    [/servers: 1000/, 'BAD_OPTION', { servers: Array(1000).fill({}) }],
    [/servers\[0\]\.rttS/, 'BAD_OPTION', { servers: [{ rttS: -1 }] }],
    [/servers\[0\]\.spead/, 'BAD_OPTION', { servers: [{ spead: 1 } as object] }],
    [/modes/, 'BAD_OPTION', { modes: [] }],
    [/modes\[0\]\.accuracy/, 'BAD_OPTION', { modes: [{ ...mode, accuracy: Number.NaN }] }],
    [/modes\[1\]\.mode/, 'BAD_OPTION', { modes: [mode, mode] }],
    [/payloadBytes/, 'BAD_OPTION', { modes: [{ ...mode, payloadBytes: 7 }] }],
    [/route/, 'BAD_OPTION', { modes: [{ ...mode, route: 'skip' as 'local' }] }],
    [/traces/, 'BAD_OPTION', { traces: [] }],
    [/traces\[0\]: atS\[2\]/, 'BAD_TRACE', { traces: [gap] }],
    [/rateBps\[0\]/, 'BAD_TRACE', { traces: [steady(-1)] }],
    [/traces\[1\]: all rates are 0/, 'BAD_TRACE', { traces: [steady(1), steady(0)] }],
    [/deadlineS/, 'BAD_OPTION', { deadlineS: [0.2, 0.1] }],
    [/frames/, 'BAD_OPTION', { frames: 1.5 }],
    [/power\.sendW/, 'BAD_OPTION', { power: { sendW: Number.NaN } }],
    [/arrivals/, 'BAD_OPTION', { arrivals: 'often' as 'periodic' }],
    [/"deadline"/, 'BAD_OPTION', { deadline: 1 } as SplitOptions],
  ])('names what is wrong: %s', (message, code, options) => {
    expect(() => new SplitEnvironment(options)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    )
  })
})
