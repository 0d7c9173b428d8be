import { describe, expect, it } from 'vitest'
import { bytesNeeded, cheapest } from './rate-curve.ts'

const curve = [
  { bytes: 100, score: 50 },
  { bytes: 400, score: 70 },
  { bytes: 800, score: 80 },
]

describe('the bytes that a curve needs for a score', () => {
  it('are those of a point that has it', () => {
    for (const { bytes, score } of curve) expect(bytesNeeded(curve, score)).toBeCloseTo(bytes, 9)
  })

  it('lie between points linearly in the logarithm of the bytes, whatever their order', () => {
    expect(bytesNeeded(curve, 60)).toBeCloseTo(200, 9)
    expect(bytesNeeded([...curve].reverse(), 75)).toBeCloseTo(400 * Math.SQRT2, 9)
  })

  it('are those of the cheapest point for less than it gives, and none for more than the curve reaches', () => {
    expect(bytesNeeded(curve, 10)).toBe(100)
    expect(bytesNeeded(curve, 80.1)).toBeUndefined()
    expect(bytesNeeded([], 1)).toBeUndefined()
  })

  it('are the first at which a curve that falls again gets there', () => {
    const wavy = [...curve, { bytes: 500, score: 65 }, { bytes: 200, score: 72 }]
    expect(bytesNeeded(wavy, 70)).toBeLessThan(200)
    expect(bytesNeeded(wavy, 76)).toBeGreaterThan(500)
  })
})

it('the cheapest of several curves depends on the score', () => {
  const flat = [{ bytes: 150, score: 65 }]
  const curves = { curve, flat }
  expect(cheapest(curves, 65)).toEqual({ name: 'flat', bytes: 150 })
  expect(cheapest(curves, 50)).toEqual({ name: 'curve', bytes: 100 })
  expect(cheapest(curves, 66)?.name).toBe('curve')
  expect(cheapest(curves, 99)).toBeUndefined()
})
