import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clockUs32, elapsedUs32 } from './clock.ts'

const wrapMs = 2 ** 32 / 1000

describe('the 32-bit microsecond clock', () => {
  it('counts whole microseconds and starts again after 2^32', () => {
    expect(clockUs32(0)).toBe(0)
    expect(clockUs32(1.2345)).toBe(1234)
    expect(clockUs32(wrapMs - 0.001)).toBe(0xffffffff)
    expect(clockUs32(wrapMs)).toBe(0)
  })

  it('measures spans across the wrap', () => {
    expect(elapsedUs32(5, 0xfffffffe)).toBe(7)
    expect(elapsedUs32(0xfffffffe, 5)).toBe(-7)
  })

  it('measures any span below 35 minutes to a microsecond, at any time of up to ten years', () => {
    const tenYearsMs = 10 * 366 * 86_400_000
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: tenYearsMs }),
        fc.integer({ min: -2_100_000, max: 2_100_000 }),
        (startMs, spanMs) => {
          expect(elapsedUs32(clockUs32(startMs + spanMs), clockUs32(startMs))).toBe(spanMs * 1000)
        },
      ),
    )
  })
})
