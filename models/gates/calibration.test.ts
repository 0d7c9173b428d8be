import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../data/index.ts'
import {
  expectedCalibrationError,
  fitTemperature,
  negativeLogLikelihood,
  reliability,
  sureness,
} from './index.ts'

const CLASSES = 4
const rows = fc.array(
  fc.record({
    logits: fc.array(fc.double({ min: -8, max: 8, noNaN: true }), {
      minLength: CLASSES,
      maxLength: CLASSES,
    }),
    label: fc.nat(CLASSES - 1),
  }),
  { minLength: 1, maxLength: 30 },
)
const flat = (list: readonly { logits: number[]; label: number }[]) => ({
  logits: list.flatMap(({ logits }) => logits),
  labels: list.map(({ label }) => label),
})
const code = (name: string) => expect.objectContaining({ name: 'IsthmusError', code: name })

/** Labels drawn from the very probabilities that softmax(logits / temperature) states. */
function drawn(count: number, temperature: number) {
  const random = seededRandom(5)
  const logits = Float32Array.from({ length: count * CLASSES }, () => 4 * random.normal())
  const labels = Uint8Array.from({ length: count }, (_, row) => {
    const odds = [0, 1, 2, 3].map((k) => Math.exp(logits[row * CLASSES + k]! / temperature))
    let left = random.uniform() * odds.reduce((a, b) => a + b)
    return Math.min(
      CLASSES - 1,
      odds.findIndex((odd) => {
        left -= odd
        return left < 0
      }),
    )
  })
  const best = (row: number) => {
    const values = Array.from(logits.subarray(row * CLASSES, (row + 1) * CLASSES))
    return values.indexOf(Math.max(...values))
  }
  return { logits, labels, right: Array.from(labels, (label, row) => best(row) === label) }
}

describe('a fitted temperature', () => {
  it('is the one by which the labels were drawn', () => {
    const { logits, labels } = drawn(20_000, 2.5)
    expect(fitTemperature(logits, labels, CLASSES)).toBeCloseTo(2.5, 1)
  })

  it('has the least negative log-likelihood', () => {
    fc.assert(
      fc.property(rows.map(flat), ({ logits, labels }) => {
        const best = fitTemperature(logits, labels, CLASSES)
        const loss = (temperature: number) => negativeLogLikelihood(logits, labels, CLASSES, temperature)
        expect(best).toBeGreaterThanOrEqual(0.01 - 1e-9)
        expect(best).toBeLessThanOrEqual(100 + 1e-9)
        for (const other of [best * 1.05, best / 1.05, 1, 100, 0.01]) {
          if (other < 0.01 || other > 100) continue
          expect(loss(best)).toBeLessThanOrEqual(loss(other) + 1e-9)
        }
      }),
    )
  })

  it('grows with the logits', () => {
    const { logits, labels } = drawn(500, 1)
    const once = fitTemperature(logits, labels, CLASSES)
    const thrice = fitTemperature(
      logits.map((z) => 3 * z),
      labels,
      CLASSES,
    )
    expect(thrice / once).toBeCloseTo(3, 5)
  })

  it('stops at its bounds when every answer is right, or none, and leaves what says nothing alone', () => {
    expect(fitTemperature([5, 0, 0, 0], [0], CLASSES)).toBeCloseTo(0.01)
    expect(fitTemperature([5, 0, 0, 0], [1], CLASSES)).toBeCloseTo(100)
    expect(fitTemperature([2, 2, 2, 2], [1], CLASSES)).toBe(1)
    expect(fitTemperature([1e30, -1e30, 0, 0], [1], CLASSES)).toBeCloseTo(100)
  })

  it('refuses no examples, NaN, and labels that are no class', () => {
    expect(() => fitTemperature([], [], CLASSES)).toThrow(code('TOO_FEW_EXAMPLES'))
    expect(() => fitTemperature([0, Number.NaN, 0, 0], [0], CLASSES)).toThrow(code('NOT_FINITE'))
    expect(() => fitTemperature([0, 0, 0, 0], [4], CLASSES)).toThrow(code('BAD_OPTION'))
    expect(() => fitTemperature([0, 0, 0], [0], CLASSES)).toThrow(code('BAD_OPTION'))
  })
})

describe('sureness', () => {
  it('lies between 0 and 1, and falls as the temperature rises', () => {
    fc.assert(
      fc.property(rows.map(flat), fc.constantFrom('confidence', 'entropy'), ({ logits }, gate) => {
        const cold = sureness(logits, CLASSES, 1, gate)
        const warm = sureness(logits, CLASSES, 3, gate)
        cold.forEach((value, row) => {
          expect(value).toBeGreaterThanOrEqual(0)
          expect(value).toBeLessThanOrEqual(1)
          expect(warm[row]!).toBeLessThanOrEqual(value + 1e-9)
        })
      }),
    )
  })

  it('is the best probability, or how far the entropy is from its greatest', () => {
    const logits = [Math.log(6), Math.log(2), Math.log(1), Math.log(1)]
    expect(sureness(logits, 4)[0]).toBeCloseTo(0.6)
    const entropy = -(0.6 * Math.log(0.6) + 0.2 * Math.log(0.2) + 0.2 * Math.log(0.1))
    expect(sureness(logits, 4, 1, 'entropy')[0]).toBeCloseTo(1 - entropy / Math.log(4))
    expect(sureness([3, 3, 3, 3], 4, 1, 'entropy')[0]).toBeCloseTo(0)
  })

  it('is 0 for an output that is no answer', () => {
    for (const gate of ['confidence', 'entropy'] as const) {
      expect(sureness([1, Number.NaN, 0, 0], 4, 1, gate)[0]).toBe(0)
      expect(sureness([1, Number.POSITIVE_INFINITY, 0, 0], 4, 1, gate)[0]).toBe(0)
    }
  })
})

describe('the expected calibration error', () => {
  it('is the distance of confidence and accuracy, weighted by how many answers are so sure', () => {
    const confidences = [0.95, 0.95, 0.95, 0.95, 0.55, 0.55]
    const right = [1, 1, 1, 0, 1, 0]
    expect(expectedCalibrationError(confidences, right)).toBeCloseTo((4 * 0.2 + 2 * 0.05) / 6)
    const bins = reliability(confidences, right, 2)
    expect(bins).toMatchObject([
      { from: 0, to: 0.5, count: 0 },
      { from: 0.5, to: 1, count: 6 },
    ])
  })

  it('is small where labels are drawn by the stated probabilities, and large where they are overstated', () => {
    const { logits, right } = drawn(20_000, 2.5)
    const error = (temperature: number) =>
      expectedCalibrationError(sureness(logits, CLASSES, temperature), right)
    expect(error(2.5)).toBeLessThan(0.015)
    expect(error(1)).toBeGreaterThan(0.1)
  })

  it('is from 0 to 1, and 1 for certain answers that are all wrong', () => {
    expect(expectedCalibrationError([1], [false])).toBe(1)
    expect(expectedCalibrationError([1], [true])).toBe(0)
    expect(expectedCalibrationError([0], [true])).toBe(1)
  })

  it('refuses what is no confidence', () => {
    expect(() => expectedCalibrationError([], [])).toThrow(code('TOO_FEW_EXAMPLES'))
    expect(() => expectedCalibrationError([1.2], [1])).toThrow(code('BAD_OPTION'))
    expect(() => expectedCalibrationError([Number.NaN], [1])).toThrow(code('NOT_FINITE'))
    expect(() => expectedCalibrationError([0.5], [1], 0)).toThrow(code('BAD_OPTION'))
  })
})
