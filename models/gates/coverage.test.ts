import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { coverageCurve, thresholdForAccuracy, wilsonLower } from './index.ts'

const answers = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 10 }), fc.boolean()), { minLength: 1, maxLength: 80 })
  .map((pairs) => ({
    confidences: pairs.map(([tenths]) => tenths / 10),
    right: pairs.map(([, isRight]) => isRight),
  }))
const code = (name: string) => expect.objectContaining({ name: 'IsthmusError', code: name })

describe('accuracy against coverage', () => {
  it('counts at each threshold those that pass', () => {
    expect(coverageCurve([0.9, 0.6, 0.9, 0.2], [1, 0, 1, 1])).toEqual([
      { threshold: 0.9, share: 0.5, accuracy: 1 },
      { threshold: 0.6, share: 0.75, accuracy: 2 / 3 },
      { threshold: 0.2, share: 1, accuracy: 0.75 },
    ])
    expect(coverageCurve([], [])).toEqual([])
  })
})

describe('the threshold for an accuracy', () => {
  it('lets most frames through of all thresholds that keep the accuracy', () => {
    fc.assert(
      fc.property(
        answers,
        fc.double({ min: 0.05, max: 1, noNaN: true }),
        ({ confidences, right }, target) => {
          const chosen = thresholdForAccuracy(confidences, right, target, 0)
          const fits = confidences.filter((threshold) => {
            const passed = right.filter((_, i) => confidences[i]! >= threshold)
            return passed.filter(Boolean).length / passed.length >= target
          })
          expect(chosen?.threshold).toBe(fits.length > 0 ? Math.min(...fits) : undefined)
          if (chosen) expect(chosen.accuracy).toBeGreaterThanOrEqual(target)
        },
      ),
    )
  })

  it('asks for more frames before it believes them', () => {
    const few = thresholdForAccuracy([0.9, 0.9, 0.9], [1, 1, 1], 0.9)
    const many = thresholdForAccuracy(new Float32Array(60).fill(0.9), new Uint8Array(60).fill(1), 0.9)
    expect(few).toBeUndefined()
    expect(many).toMatchObject({ share: 1, accuracy: 1 })
  })

  it('is none when no frame is right', () => {
    expect(thresholdForAccuracy([0.9], [0], 0.1)).toBeUndefined()
    expect(thresholdForAccuracy([], [], 0.1)).toBeUndefined()
  })

  it('refuses what is no accuracy, and NaN', () => {
    for (const target of [0, 1.1, Number.NaN]) {
      expect(() => thresholdForAccuracy([0.9], [1], target)).toThrow(code('BAD_OPTION'))
    }
    expect(() => thresholdForAccuracy([0.9], [1], 0.9, -1)).toThrow(code('BAD_OPTION'))
    expect(() => thresholdForAccuracy([Number.NaN], [1], 0.9)).toThrow(code('NOT_FINITE'))
  })
})

describe("the lower end of Wilson's interval", () => {
  it('is known for 8 of 10, and nears the share with more trials', () => {
    expect(wilsonLower(0.8, 10, 1.96)).toBeCloseTo(0.4902, 3)
    expect(wilsonLower(0.8, 1e8, 1.96)).toBeCloseTo(0.8, 3)
    expect(wilsonLower(0, 10, 1.96)).toBeCloseTo(0, 10)
  })
})
