import { describe, expect, it } from 'vitest'
import { diskKernel } from './blur.ts'
import { corruptionConstants } from './constants.ts'
import { scatter } from './glass-blur.ts'
import { motionFilter } from './operations/motion-filter.ts'
import { zoomFactors } from './zoom-blur.ts'

/** The middle 5×5 of a kernel of 17×17; the rest must be zero. */
function middle(kernel: Float64Array): number[][] {
  expect(kernel.length).toBe(17 * 17)
  const rows = Array.from({ length: 5 }, (_, y) =>
    Array.from(kernel.slice((y + 6) * 17 + 6, (y + 6) * 17 + 11)),
  )
  expect(rows.flat().reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12)
  return rows
}

describe('the disk of defocus blur', () => {
  it.each([0, 1, 2])('is a Gaussian of 3×3 below radius 1: CIFAR severity %i and one more', (row) => {
    const [radius, sigma] = corruptionConstants.cifar.defocus_blur[row]!
    const beside = Math.exp(-1 / (2 * sigma * sigma))
    const line = [0, beside, 1, beside, 0].map((weight) => weight / (1 + 2 * beside))
    middle(diskKernel(radius, sigma)).forEach((weights, y) => {
      weights.forEach((weight, x) => {
        expect(weight).toBeCloseTo(line[y]! * line[x]!, 12)
      })
    })
  })

  it('is a cross of five pixels at radius 1', () => {
    middle(diskKernel(1, 0.2)).forEach((weights, y) => {
      weights.forEach((weight, x) => {
        expect(weight).toBeCloseTo(Math.abs(y - 2) + Math.abs(x - 2) <= 1 ? 0.2 : 0, 5)
      })
    })
  })

  it('is all of 3×3 at radius 1.5', () => {
    middle(diskKernel(1.5, 0.1)).forEach((weights, y) => {
      weights.forEach((weight, x) => {
        expect(weight).toBeCloseTo(Math.max(Math.abs(y - 2), Math.abs(x - 2)) <= 1 ? 1 / 9 : 0, 12)
      })
    })
  })

  it('lies on a grid of its own size above radius 8', () => {
    expect(diskKernel(8, 0.5).length).toBe(17 * 17)
    expect(diskKernel(10, 0.5).length).toBe(21 * 21)
  })
})

describe('the scatter of glass blur', () => {
  const size = { height: 4, width: 4 }
  const numbered = () => Uint8Array.from({ length: 48 }, (_, k) => k)

  it('copies the neighbour, which keeps its own value', () => {
    // Always -1, -1: from the lower right to the upper left, every pixel takes what lies above and to the left.
    const pixels = numbered()
    scatter(pixels, size, 1, { below: () => 0 })
    for (let channel = 0; channel < 3; channel++) {
      const first = 16 * channel
      // Rows 2 and 3, columns 2 and 3 are all that moves; an exchange would have carried values down to the corner.
      const expected = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 5, 6, 12, 13, 9, 10]
      expect(Array.from(pixels.slice(first, first + 16))).toEqual(expected.map((value) => value + first))
    }
  })

  it('draws offsets below maxDelta, across before down', () => {
    const limits: number[] = []
    const pixels = numbered()
    // Across 0, down -1, for the last pixel; then nothing moves.
    const draws = [1, 0]
    scatter(pixels, size, 1, {
      below: (limit) => {
        limits.push(limit)
        return draws.shift() ?? 1
      },
    })
    expect(new Set(limits)).toEqual(new Set([2]))
    expect(limits.length).toBe(2 * 4)
    expect(pixels[15]).toBe(11)
    expect(pixels[11]).toBe(11)
  })
})

describe('motion blur', () => {
  it('leaves a trail to one side, half a Gaussian', () => {
    const plane = new Uint8Array(9)
    plane[6] = 100
    const out = new Float64Array(9)
    motionFilter({ height: 1, width: 9 }, 2, 1)(plane, 0, out)
    const weights = [0, 1, 2, 3, 4].map((i) => Math.exp((-i * i) / 2))
    const sum = weights.reduce((total, weight) => total + weight)
    for (let i = 0; i < 9; i++) {
      expect(out[i]).toBeCloseTo(i <= 6 && i >= 2 ? (100 * weights[6 - i]!) / sum : 0, 10)
    }
  })
})

describe('zoom blur', () => {
  it('counts its zooms as NumPy does: rounding lets the last one in, or not', () => {
    expect(zoomFactors(1.06, 0.01).length).toBe(7)
    expect(zoomFactors(1.11, 0.01).length).toBe(12)
    expect(zoomFactors(1.26, 0.01).length).toBe(26)
    expect(zoomFactors(1.31, 0.03).length).toBe(11)
    expect(zoomFactors(1.06, 0.01)[6]).toBeCloseTo(1.06, 12)
  })
})
