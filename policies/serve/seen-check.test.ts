import { describe, expect, it } from 'vitest'
import { MecEnvironment, type MecObservation, type MecOptions } from '../env/index.ts'
import type { CandidateEncoding, FeatureRange } from '../gmorl/index.ts'
import { Encoder, MOST_CANDIDATES, mecCandidates } from '../gmorl/index.ts'
import { Greedy } from '../heuristics/index.ts'
import { SeenCheck } from './index.ts'

const preferences = [
  [1, 0],
  [0.7, 0.3],
  [0, 1],
]

/** Plays greedy and shows every observation under every preference. */
function playing(options: MecOptions, see: (observation: MecObservation, weights: number[]) => void): void {
  const environment = new MecEnvironment(options)
  const greedy = new Greedy()
  for (let seed = 1; seed <= 4; seed++) {
    const { observation } = environment.reset({ seed })
    for (let ended = false; !ended; ) {
      for (const weights of preferences) see(observation, weights)
      const { terminated, truncated } = environment.step(greedy.act(observation, preferences[seed % 3]!))
      ended = terminated || truncated
    }
  }
}

/** Widens `range` by the numbers. */
function widen({ low, high }: { low: number[]; high: number[] }, numbers: Float32Array, from: number): void {
  for (let at = 0; at < low.length; at++) {
    low[at] = Math.min(low[at]!, numbers[from + at]!)
    high[at] = Math.max(high[at]!, numbers[from + at]!)
  }
}

const emptyRange = (length: number) => ({
  low: new Array<number>(length).fill(Infinity),
  high: new Array<number>(length).fill(-Infinity),
})

function rangesOf(options: MecOptions): { rows: FeatureRange; context: FeatureRange } {
  const { rowLength, contextLength } = mecCandidates
  const encoder = new Encoder(mecCandidates, 16)
  const [rows, context] = [emptyRange(rowLength), emptyRange(contextLength)]
  playing(options, (observation, weights) => {
    const candidates = encoder.encode(observation, weights)
    for (let row = 0; row < candidates; row++) widen(rows, encoder.rows, row * rowLength)
    widen(context, encoder.context, 0)
  })
  return { rows, context }
}

const unseenShare = (check: SeenCheck<MecObservation>, options: MecOptions): number => {
  let unseen = 0
  let all = 0
  playing(options, (observation, weights) => {
    if (check.isUnseen(observation, weights)) unseen++
    all++
  })
  return unseen / all
}

describe('in the system that a policy was trained on', () => {
  const check = new SeenCheck(mecCandidates, rangesOf({ edges: 3 }))

  it('what was seen in training passes, to the last frame', () => {
    expect(unseenShare(check, { edges: 3 })).toBe(0)
    expect(check.where).toBe('')
  })

  it('far more servers, or far slower ones, are unseen', () => {
    expect(unseenShare(check, { edges: 9 })).toBe(1)
    expect(check.where).toMatch(/^(rows|context)\[\d+\]$/)
    expect(unseenShare(check, { edges: 3, cloudHz: 4e8, edgeHz: 2e8 })).toBeGreaterThan(0.5)
  })
})

/** One candidate a number, one row feature and one context feature, beside what all encodings begin with. */
const plain: CandidateEncoding<{ rows: number[]; context: number }> = {
  version: 'plain/1',
  observationVersion: 'plain/1',
  objectives: 2,
  rowLength: 4,
  contextLength: 7,
  encode: ({ rows: values, context: value }, rows, rowsAt, context, contextAt) => {
    for (const [at, feature] of values.entries()) rows[rowsAt + 4 * at + 3] = feature
    context[contextAt + 6] = value
    return values.length
  },
  units: () => {},
}
const anything = (length: number, least: number, most: number): FeatureRange => ({
  low: [...new Array<number>(length - 1).fill(-1e6), least],
  high: [...new Array<number>(length - 1).fill(1e6), most],
})
const check = new SeenCheck(plain, { rows: anything(4, 10, 20), context: anything(7, 3, 3) })
const isUnseen = (rows: number[], context = 3) => check.isUnseen({ rows, context }, [0.5, 0.5])

describe('a feature', () => {
  it('may lie beyond its range by half of the span, whatever the candidate', () => {
    expect(isUnseen([10, 20, 15])).toBe(false)
    expect(isUnseen([5.01, 24.99])).toBe(false)
    expect(isUnseen([15, 25.01])).toBe(true)
    expect(check.where).toBe('rows[3]')
    expect(isUnseen([4.99])).toBe(true)
  })

  it('that never changed must be what it was, but for rounding', () => {
    expect(isUnseen([15], 3.000001)).toBe(false)
    expect(isUnseen([15], 3.001)).toBe(true)
    expect(check.where).toBe('context[6]')
  })

  it('that is no finite number is unseen', () => {
    for (const bad of [Number.NaN, Infinity, -Infinity]) {
      expect(isUnseen([15, bad])).toBe(true)
      expect(isUnseen([15], bad)).toBe(true)
    }
  })

  it('of an earlier, larger observation does not count', () => {
    expect(isUnseen([15, 1000])).toBe(true)
    expect(isUnseen([15])).toBe(false)
  })
})

it('no candidates, and more than a policy takes, are unseen', () => {
  expect(isUnseen([])).toBe(true)
  expect(check.where).toBe('candidates')
  expect(isUnseen(new Array<number>(MOST_CANDIDATES).fill(15))).toBe(false)
  expect(isUnseen(new Array<number>(1000).fill(15))).toBe(true)
})

it.each([
  ['rows', { rows: anything(3, 0, 1), context: anything(7, 0, 1) }],
  ['context', { rows: anything(4, 0, 1), context: anything(8, 0, 1) }],
  ['rows', { rows: anything(4, 1, 0), context: anything(7, 0, 1) }],
  ['context', { rows: anything(4, 0, 1), context: anything(7, Number.NaN, 1) }],
])('ranges that are not those of the encoding are refused: %s', (part, seen) => {
  expect(() => new SeenCheck(plain, seen)).toThrow(
    expect.objectContaining({ code: 'BAD_POLICY', message: expect.stringContaining(`seen.${part}`) }),
  )
})
