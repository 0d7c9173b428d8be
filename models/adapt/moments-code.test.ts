import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeMoments, encodeMoments, momentsBytes } from './moments-code.ts'
import type { NormLayout } from './norm-layers.ts'

const names = { name: 'x', scale: '', shift: '', mean: '', variance: '' }
const layout: NormLayout = { channels: 3, layers: [{ ...names, channels: 3, offset: 0, epsilon: 1e-5 }] }
const packed = { mean: Float32Array.of(0, 1, -2), variance: Float32Array.of(1, 0.01, 4) }

describe('moments as bytes', () => {
  it('come back to a thousandth of a deviation', () => {
    const step = fc.double({ min: -30, max: 30, noNaN: true })
    const log = fc.double({ min: -8, max: 8, noNaN: true })
    fc.assert(
      fc.property(fc.tuple(step, step, step), fc.tuple(log, log, log), (steps, logs) => {
        const moments = {
          mean: packed.mean.map((value, at) => value + steps[at]! * Math.sqrt(packed.variance[at]!)),
          variance: packed.variance.map((value, at) => value * Math.exp(logs[at]!)),
        }
        const bytes = encodeMoments(moments, packed, layout)
        expect(bytes.length).toBe(momentsBytes(layout))
        const read = decodeMoments(bytes, packed, layout)
        read.mean.forEach((value, at) => {
          const deviation = Math.sqrt(packed.variance[at]!)
          expect(Math.abs(value - moments.mean[at]!) / deviation).toBeLessThan(
            0.001 * (1 + Math.abs(steps[at]!)),
          )
          expect(Math.abs(Math.log(read.variance[at]! / moments.variance[at]!))).toBeLessThan(0.02)
        })
      }),
    )
  })

  it('are refused with another length, and when no frames can give them', () => {
    const bytes = encodeMoments(packed, packed, layout)
    expect(() => decodeMoments(bytes.subarray(1), packed, layout)).toThrow(
      expect.objectContaining({ code: 'NORM_MISMATCH' }),
    )
    for (const half of [0x7e00, 0x7c00, 0xfc00, 0x7bff]) {
      const bad = bytes.slice()
      new DataView(bad.buffer).setUint16(4, half, true)
      expect(() => decodeMoments(bad, packed, layout)).toThrow(
        expect.objectContaining({ code: 'NORM_NOT_FINITE' }),
      )
    }
  })

  it('of any bytes are refused, or are numbers with positive variances', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 12, maxLength: 12 }), (bytes) => {
        try {
          const { mean, variance } = decodeMoments(bytes, packed, layout)
          expect(mean.every(Number.isFinite)).toBe(true)
          expect(variance.every((value) => Number.isFinite(value) && value > 0)).toBe(true)
        } catch (error) {
          expect((error as { code: string }).code).toBe('NORM_NOT_FINITE')
        }
      }),
    )
  })
})
