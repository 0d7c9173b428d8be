import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  meanRateBps,
  parse5gCsv,
  parseMahimahi,
  parseMsKbps,
  parseSecondsMbps,
  type RateTrace,
  TraceLink,
  type TraceLinkOptions,
} from './index.ts'

const steps = parseSecondsMbps('0 1\n1 3\n2 0\n3 2\n')

describe('trace formats', () => {
  it('read seconds and Mbit/s; the first time is 0, the last sample lasts as long as the one before', () => {
    const trace = parseSecondsMbps('10.5\t1\n11.5 3\n\n13.5 2\r\n')
    expect([...trace.atS]).toEqual([0, 1, 3])
    expect([...trace.rateBps]).toEqual([1e6, 3e6, 2e6])
    expect(trace.durationS).toBe(5)
    expect(meanRateBps(trace)).toBe(2.2e6)
  })

  it('read milliseconds and kbit/s', () => {
    const trace = parseMsKbps('0 500\n2000 1500\n')
    expect([...trace.rateBps]).toEqual([5e5, 1.5e6])
    expect(trace.durationS).toBe(4)
  })

  it('read packets of Mahimahi and lose none of them', () => {
    const trace = parseMahimahi('1\n1\n50\n100\n250\n')
    expect(trace.durationS).toBe(0.25)
    expect([...trace.atS]).toEqual([0, 0.1, 0.2])
    expect(meanRateBps(trace)).toBeCloseTo((5 * 12_000) / 0.25, 6)
    fc.assert(
      fc.property(
        fc.array(fc.nat(200), { minLength: 1, maxLength: 50 }),
        fc.integer({ min: 1, max: 99 }),
        (gaps, binMs) => {
          let ms = 1
          const packets = gaps.map((gap) => (ms += gap))
          const { durationS, ...rest } = parseMahimahi(packets.join('\n'), { binMs })
          expect((meanRateBps({ durationS, ...rest }) * durationS) / 12_000).toBeCloseTo(packets.length, 6)
        },
      ),
    )
  })

  it('read a column of a CSV with one row a second', () => {
    const csv = 'Timestamp,DL_bitrate,UL_bitrate\n2019.12.14,1000,1\n2019.12.14,3000,2\n'
    expect([...parse5gCsv(csv).rateBps]).toEqual([1e6, 3e6])
    expect([...parse5gCsv(csv, { column: 'UL_bitrate' }).rateBps]).toEqual([1e3, 2e3])
  })

  it.each<[string, () => unknown, string]>([
    [
      'a gap',
      () => parseSecondsMbps('0 1\n1 1\n200 1', { name: 'bus' }),
      'bus, line 3, seconds: a gap of 199.0 s',
    ],
    ['a time that goes back', () => parseSecondsMbps('0 1\n2 1\n1 1'), 'line 3, seconds'],
    ['a time that stands', () => parseMsKbps('0 1\n5 1\n5 1'), 'line 3, milliseconds'],
    ['a negative time', () => parseSecondsMbps('-1 1\n2 1'), 'line 1, seconds: -1 is negative'],
    ['a negative rate', () => parseSecondsMbps('0 1\n1 -2'), 'line 2, Mbit/s: -2 is negative'],
    ['a word', () => parseSecondsMbps('0 1\n1 fast'), 'line 2, Mbit/s: "fast" is no number'],
    ['three fields', () => parseSecondsMbps('0 1 2\n1 1 2'), 'there are 3 fields'],
    ['too little', () => parseSecondsMbps('0 1\n'), 'it holds 1 samples'],
    ['packets that go back', () => parseMahimahi('5\n4\n'), 'line 2, milliseconds: 4 comes before 5'],
    ['no packets', () => parseMahimahi(''), 'no packet'],
    ['a missing column', () => parse5gCsv('a,b\n1,2\n'), 'line 1, DL_bitrate'],
    ['a short row', () => parse5gCsv('a,DL_bitrate\n1,2\n3\n'), 'line 3, DL_bitrate: the row has 1 cells'],
    ['an empty cell', () => parse5gCsv('a,DL_bitrate\n1,\n'), 'line 2, DL_bitrate: "" is no number'],
  ])('refuse %s and name line and field', (_, parse, message) => {
    expect(parse).toThrow(
      expect.objectContaining({ code: 'BAD_TRACE', message: expect.stringContaining(message) }),
    )
  })

  it('never crash, whatever the file holds', () => {
    const word = fc.oneof(fc.string(), fc.double().map(String), fc.nat(1000).map(String))
    const file = fc
      .array(fc.array(word, { maxLength: 3 }).map((words) => words.join(' ')))
      .map((rows) => rows.join('\n'))
    fc.assert(
      fc.property(file, (text) => {
        for (const parse of [parseSecondsMbps, parseMsKbps, parseMahimahi, parse5gCsv]) {
          try {
            const { atS, rateBps, durationS } = parse(text)
            expect(atS.length).toBe(rateBps.length)
            expect(durationS).toBeGreaterThan(atS.at(-1)!)
          } catch (error) {
            if ((error as { code?: string }).code !== 'BAD_TRACE') throw error
          }
        }
      }),
    )
  })
})

describe('a link that replays a trace', () => {
  it('holds each sample and starts again after the end', () => {
    const link = new TraceLink(steps)
    expect([0, 0.9, 1, 2.5, 3.5, 4, 5.5, 401.2].map((s) => link.rateAt(s) / 1e6)).toEqual([
      1, 1, 3, 0, 2, 1, 3, 3,
    ])
    expect(link.finishS(0, 1e6)).toBe(1)
    expect(link.finishS(0, 4e6)).toBe(2) // and not after the silence that follows
    expect(link.finishS(0, 4.5e6)).toBe(3.25)
    expect(link.finishS(0.5, 60e6)).toBeCloseTo(40.5, 9)
  })

  it('keeps its last rate where it is told to', () => {
    const link = new TraceLink(steps, { afterEnd: 'hold' })
    expect(link.rateAt(100)).toBe(2e6)
    expect(link.finishS(100, 8e6)).toBe(104)
    const dead = new TraceLink(parseSecondsMbps('0 1\n1 0\n'), { afterEnd: 'hold' })
    expect(dead.finishS(0, 1e6)).toBe(1)
    expect(dead.finishS(0, 1e6 + 1)).toBe(Infinity)
  })

  it('runs straight from sample to sample where it is told to', () => {
    const link = new TraceLink(parseSecondsMbps('0 0\n2 2\n3 2\n'), { interpolation: 'linear' })
    expect(link.rateAt(0.5)).toBe(0.5e6)
    expect(link.finishS(0, 2e6)).toBeCloseTo(2, 12)
    expect(link.finishS(0, 0.5e6)).toBeCloseTo(1, 12)
  })

  it('starts at an offset, at a scale', () => {
    const link = new TraceLink(steps, { offsetS: 3, scale: 0.5 })
    expect(link.rateAt(0)).toBe(1e6)
    expect(link.finishS(0, 1e6)).toBe(1)
  })

  it('passes as much in two sendings as in one, whatever trace and semantics', () => {
    const traces = fc
      .array(fc.tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 0, max: 90 })), {
        minLength: 2,
        maxLength: 20,
      })
      .filter((samples) => samples.some(([, rate]) => rate > 0))
      .map((samples): RateTrace => {
        const atS = new Float64Array(samples.length)
        for (let at = 1; at < atS.length; at++) atS[at] = atS[at - 1]! + samples[at - 1]![0] / 10
        return {
          atS,
          rateBps: Float64Array.from(samples, ([, rate]) => rate * 1e5),
          durationS: atS.at(-1)! + samples.at(-1)![0] / 10,
        }
      })
    const semantics: fc.Arbitrary<TraceLinkOptions> = fc.record({
      interpolation: fc.constantFrom('hold', 'linear'),
      offsetS: fc.double({ min: 0, max: 30, noNaN: true }),
    })
    const bits = fc.integer({ min: 1, max: 5e6 })
    fc.assert(
      fc.property(
        traces,
        semantics,
        fc.double({ min: 0, max: 60, noNaN: true }),
        bits,
        bits,
        (trace, options, startS, a, b) => {
          const link = new TraceLink(trace, options)
          const half = link.finishS(startS, a)
          const whole = link.finishS(startS, a + b)
          expect(half).toBeGreaterThanOrEqual(startS)
          expect(whole).toBeGreaterThanOrEqual(half)
          // Times may differ where the rate is near 0; what has passed by then may not.
          const passed = link.finishS(link.finishS(startS, a), b)
          if (Math.abs(passed - whole) > 1e-6) expect(link.rateAt((passed + whole) / 2)).toBeLessThan(1e3)
        },
      ),
    )
  })

  it('refuses a trace by which nothing passes', () => {
    expect(() => new TraceLink(parseSecondsMbps('0 0\n1 0\n'))).toThrow(
      expect.objectContaining({ code: 'BAD_TRACE', message: expect.stringMatching(/nothing can ever pass/) }),
    )
    expect(() => new TraceLink(steps, { scale: 0 })).toThrow(/scale/)
    expect(() => new TraceLink(steps, { interpolation: 'cubic' as 'linear' })).toThrow(/interpolation/)
    expect(() => new TraceLink(steps, { afterEnd: 'stop' as 'hold' })).toThrow(/afterEnd/)
  })
})

const folder = join(process.env.ISTHMUS_SHARED_DATA ?? '', 'traces')

describe.skipIf(!process.env.ISTHMUS_SHARED_DATA || !existsSync(folder))(
  'the recorded 3G and home traces (skipped without ISTHMUS_SHARED_DATA=FOLDER)',
  () => {
    it('are all read, and hold plausible rates', () => {
      const files = readdirSync(folder).filter((file) => file.endsWith('.txt'))
      expect(files).toHaveLength(40)
      for (const name of files) {
        const trace = parseSecondsMbps(readFileSync(join(folder, name), 'utf8'), { name })
        expect(meanRateBps(trace)).toBeGreaterThan(0.02e6)
        expect(meanRateBps(trace)).toBeLessThan(60e6)
      }
    })
  },
)
