import { describe, expect, it } from 'vitest'
import { seededRandom } from '../random.ts'
import { brightness, contrast, saturate } from './light.ts'
import { pixelate } from './pixelate.ts'

const onePixel = { height: 1, width: 1 }
const none = seededRandom(1)

function damaged(
  damage: typeof brightness extends (...rest: never[]) => infer C ? C : never,
  pixels: number[],
) {
  const out = new Uint8Array(pixels.length)
  damage(Uint8Array.from(pixels), out, none)
  return Array.from(out)
}

describe('light', () => {
  it('that grows keeps hue and saturation, and ends at white', () => {
    // Value 100 becomes 151 (100 + 51); all channels grow by 1.51.
    expect(damaged(brightness(0.2, onePixel), [100, 50, 20])).toEqual([151, 75, 30])
    expect(damaged(brightness(0.5, onePixel), [250, 125, 0])).toEqual([255, 127, 0])
    expect(damaged(brightness(0.2, onePixel), [0, 0, 0])).toEqual([51, 51, 51])
  })

  it('without colour keeps its value; with too much, one channel goes dark', () => {
    // Saturation 0.8 becomes 0.24: 100·(1 - 0.3·(distance / 100)).
    expect(damaged(saturate([0.3, 0], onePixel), [100, 50, 20])).toEqual([100, 85, 76])
    expect(damaged(saturate([2, 0.1], onePixel), [100, 50, 20]).at(2)).toBe(0)
    expect(damaged(saturate([5, 0.1], onePixel), [100, 100, 100])).toEqual([100, 90, 90])
  })

  it('of little contrast draws each channel to its own mean', () => {
    const out = damaged(contrast(0.5, { height: 1, width: 2 }), [10, 30, 100, 200, 7, 7])
    // Means 20, 150 and 7; a rounding error may cost one, since values are cut.
    const expected = [15, 25, 125, 175, 7, 7]
    out.forEach((value, k) => {
      expect([expected[k]!, expected[k]! - 1]).toContain(value)
    })
  })
})

describe('pixelate', () => {
  it('makes blocks of their mean', () => {
    const plane = [0, 10, 100, 102, 20, 30, 104, 106, 1, 2, 3, 4, 1, 2, 3, 4]
    const out = damaged(pixelate(0.5, { height: 4, width: 4 }), [...plane, ...plane, ...plane])
    // Each pass rounds: (0+10)/2 = 5, (20+30)/2 = 25, their mean 15.
    const expected = [15, 15, 103, 103, 15, 15, 103, 103, 2, 2, 4, 4, 2, 2, 4, 4]
    expect(out).toEqual([...expected, ...expected, ...expected])
  })
})
