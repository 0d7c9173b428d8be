import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Mode } from '../bundle/index.ts'
import { comparePair, costMs, type Way, waysOf } from '../cost/index.ts'
import { runCli } from './run.ts'

const bundle = fileURLToPath(new URL('../../bundles/cifar10', import.meta.url))

async function cli(...args: string[]) {
  const lines: string[] = []
  const print = (text: string) => lines.push(text)
  const code = await runCli(args, { print, warn: print })
  return { code, text: lines.join('\n') }
}

interface Told {
  ways: { mode: number; route: string; fixedMs: number; bytes: number }[]
  pairs: { modes: [number, number]; below: number; above?: number; breakEvenBps?: number }[]
  winners: { mode: number; fromBps: number }[]
}

const given = ['--local-ms', '80', '--head-ms', '20', '--tail-ms', '5', '--full-ms', '6', '--rtt-ms', '12']

describe('isthmus-models breakeven', () => {
  it('agrees with brute force over the rates, pair by pair and over all', async () => {
    const { code, text } = await cli('breakeven', bundle, ...given, '--runs', '1', '--json')
    expect(code).toBe(0)
    const { ways, pairs, winners } = JSON.parse(text) as Told
    const timeOf = (mode: number, bps: number) => costMs(ways.find((way) => way.mode === mode)!, bps)
    for (let exponent = 2; exponent < 10; exponent += 0.13) {
      const bps = 10 ** exponent
      for (const { modes, below, above = below, breakEvenBps = Number.POSITIVE_INFINITY } of pairs) {
        const told = timeOf(bps < breakEvenBps ? below : above, bps)
        expect(told).toBeCloseTo(Math.min(...modes.map((mode) => timeOf(mode, bps))), 6)
      }
      const best = winners.findLast(({ fromBps }) => fromBps <= bps)!
      expect(timeOf(best.mode, bps)).toBeCloseTo(Math.min(...ways.map(({ mode }) => timeOf(mode, bps))), 6)
    }
    expect(pairs).toHaveLength((ways.length * (ways.length - 1)) / 2)
    expect(ways.find(({ route }) => route === 'local')).toMatchObject({ fixedMs: 80, bytes: 0 })
  })

  it('measures what is not given, and says it in a table', async () => {
    const { code, text } = await cli('breakeven', bundle, '--runs', '2', '--local-ms', '1000')
    expect(code).toBe(0)
    expect(text).toContain('cifar10@')
    expect(text).toContain('Given: local; the rest was timed on this machine')
    expect(text).toMatch(/local \(1\) +local +0\.8809 +0 +1000\.00/)
    expect(text).toMatch(/Fastest of all:\n {2}local \(1\) from the slowest link on\n {2}split/)
  })

  it('refuses what is no time, no count and no bundle, and points to its help', async () => {
    expect(await cli('breakeven')).toMatchObject({ code: 2 })
    expect(await cli('breakeven', bundle, '--rtt-ms', 'soon')).toMatchObject({
      code: 2,
      text: expect.stringMatching(/--rtt-ms soon is not a number.*breakeven --help/),
    })
    expect(await cli('breakeven', bundle, '--runs', '0')).toMatchObject({ code: 2 })
    expect(await cli('breakeven', '/nowhere/at/all')).toMatchObject({ code: 1 })
    expect((await cli('breakeven', '--help')).text).toContain('isthmus-models breakeven ./bundles/street')
  })
})

describe('ways to an answer', () => {
  const modes: Mode[] = [
    { id: 1, name: 'local', route: 'local', payloadBytes: 0, headMacs: 0, tailMacs: 0 },
    {
      id: 2,
      name: 'edge',
      route: 'edge',
      payloadBytes: 940,
      headMacs: 0,
      tailMacs: 0,
      image: { codec: 'raw' },
    },
  ]
  const base = { headMs: 0, codeMs: {}, tailMs: 0, imageMs: 2, rttMs: 10 }

  it('a way that is slower and sends more never pays, at any rate', () => {
    const [local, edge] = waysOf({ modes }, { ...base, localMs: 5, fullMs: 1 }) as [Way, Way]
    expect(comparePair(edge, local)).toEqual({ slowLink: local })
  })

  it('equals the closed form: bytes over the difference of the fixed times', () => {
    const ms = fc.integer({ min: 20, max: 500 })
    fc.assert(
      fc.property(ms, (localMs) => {
        const [local, edge] = waysOf({ modes }, { ...base, localMs, fullMs: 1 }) as [Way, Way]
        const { breakEvenBps, fastLink } = comparePair(local, edge)
        expect(fastLink).toBe(edge)
        expect(breakEvenBps).toBeCloseTo((8000 * 1000) / (localMs - 13), 6)
      }),
    )
  })
})
