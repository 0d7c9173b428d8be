import { describe, expect, it } from 'vitest'
import { mixedViews } from './mixed-views.ts'
import { seededRandom } from './random.ts'

const [height, width] = [16, 20]
const image = (): Float32Array => {
  const random = seededRandom(5)
  return Float32Array.from({ length: 3 * height * width }, (_, at) => {
    const wave = 0.5 + 0.3 * Math.sin(at / 7)
    return Math.min(1, Math.max(0, wave + 0.1 * random.normal()))
  })
}
const rms = (a: Float32Array, b: Float32Array) =>
  Math.sqrt(a.reduce((sum, value, at) => sum + (value - b[at]!) ** 2, 0) / a.length)
const still = { filter: 0, colour: 0, move: 0, pattern: 0 }

describe('mixedViews', () => {
  it('keeps values between 0 and 1, and says the same for the same random numbers', () => {
    const mix = mixedViews(height, width, { filter: 3, colour: 1, move: 8, pattern: 2 })
    for (let seed = 0; seed < 50; seed++) {
      const [first, second] = [image(), image()]
      mix(first, seededRandom(seed))
      mix(second, seededRandom(seed))
      expect(second).toEqual(first)
      expect(Math.min(...first)).toBeGreaterThanOrEqual(0)
      // A mixture of values up to 1 may round a hair above.
      expect(Math.max(...first)).toBeLessThanOrEqual(1 + 1e-6)
    }
  })

  it('leaves an image alone when nothing may change', () => {
    const mix = mixedViews(height, width, still)
    const view = image()
    mix(view, seededRandom(1))
    // Colour curves are tables of 256 values.
    expect(rms(view, image())).toBeLessThan(1 / 255)
  })

  it.each(['filter', 'colour', 'move', 'pattern'] as const)('changes more, the further %s may go', (kind) => {
    const change = (most: number) => {
      const mix = mixedViews(height, width, { ...still, [kind]: most })
      let total = 0
      for (let seed = 0; seed < 40; seed++) {
        const view = image()
        mix(view, seededRandom(seed))
        total += rms(view, image())
      }
      return total
    }
    expect(change(0.4)).toBeGreaterThan(change(0.05))
  })
})
