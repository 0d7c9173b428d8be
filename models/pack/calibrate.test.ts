import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dequantize, quantize } from '../codec/codec.ts'
import { seededRandom } from '../data/random.ts'
import { calibrate, ValueSample } from './calibrate.ts'

const normals = (count: number): Float32Array => {
  const random = seededRandom(5)
  return Float32Array.from({ length: count }, () => random.normal()).sort()
}

const squaredError = (values: Float32Array, quantizer: ReturnType<typeof calibrate>['quantizer']) => {
  const back = dequantize(quantize(values, quantizer).packed, values.length, quantizer)
  return values.reduce((sum, value, i) => sum + (value - back[i]!) ** 2, 0)
}

describe('calibrating a quantiser', () => {
  it('leaves out more of the values the fewer bits there are', () => {
    const values = normals(100_000)
    const clips = [8, 4, 2].map((bits) => calibrate(values, bits).clipPercent)
    expect(clips).toEqual([...clips].sort((a, b) => a - b))
    expect(clips[2]).toBeGreaterThan(clips[0]!)
  })

  it('loses less than the range from least to greatest', () => {
    const values = normals(100_000)
    const least = (bits: number) => squaredError(values, calibrate(values, bits).quantizer)
    const full = (bits: number) => squaredError(values, calibrate(values, bits, 0).quantizer)
    expect(least(8)).toBeLessThanOrEqual(full(8))
    expect(least(3)).toBeLessThan(full(3) / 1.5)
  })

  it('leaves a stray value out when the rest gains more than it loses', () => {
    const values = Float32Array.from([...normals(100_000), 30])
    expect(calibrate(values, 4).high).toBeLessThan(6)
    expect(calibrate(values, 4, 0).high).toBeGreaterThan(29)
  })

  it('clips as much as is asked for', () => {
    const values = Float32Array.from({ length: 1001 }, (_, i) => i)
    const { high, clipPercent } = calibrate(values, 8, 10)
    expect(clipPercent).toBe(10)
    expect(high).toBeCloseTo(900, 3)
  })

  it('holds zero, and gives every value back within a step, for any values', () => {
    const latents = fc.float32Array({ minLength: 1, maxLength: 50, noNaN: true, min: -1e6, max: 1e6 })
    fc.assert(
      fc.property(latents, fc.integer({ min: 1, max: 8 }), (values, bits) => {
        const { quantizer, low, high } = calibrate(values.sort(), bits, 0)
        const back = dequantize(quantize(values, quantizer).packed, values.length, quantizer)
        expect(low).toBeLessThanOrEqual(0)
        expect(high).toBeGreaterThanOrEqual(0)
        // The zero point is a whole code, so the range is moved by up to half a step.
        values.forEach((value, i) => {
          expect(Math.abs(value - back[i]!)).toBeLessThanOrEqual(quantizer.scale * 1.001 + 1e-30)
        })
      }),
    )
  })

  it('gives zeros back', () => {
    const zeros = new Float32Array(9)
    const { quantizer } = calibrate(zeros, 4)
    expect(dequantize(quantize(zeros, quantizer).packed, 9, quantizer)).toEqual(zeros)
  })
})

describe('a sample of values', () => {
  it('keeps everything that fits, sorted', () => {
    const sample = new ValueSample(100, 2, seededRandom(1))
    sample.add(Float32Array.of(3, 1))
    sample.add(Float32Array.of(2))
    expect([...sample.sorted()]).toEqual([1, 2, 3])
  })

  it('takes as many of each tensor, from all over it', () => {
    const sample = new ValueSample(1000, 2, seededRandom(1))
    sample.add(Float32Array.from({ length: 50_000 }, (_, i) => i / 50_000))
    sample.add(new Float32Array(50_000).fill(2))
    const values = sample.sorted()
    expect(values).toHaveLength(1000)
    expect(values.filter((value) => value === 2)).toHaveLength(500)
    expect(values[250]!).toBeGreaterThan(0.4)
    expect(values[250]!).toBeLessThan(0.6)
  })

  it('refuses a head that gives no numbers', () => {
    const sample = new ValueSample(10, 1, seededRandom(1))
    expect(() => sample.add(Float32Array.of(1, Number.NaN))).toThrow(/NaN/)
  })
})
