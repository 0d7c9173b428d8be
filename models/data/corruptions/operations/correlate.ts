import type { ImageSize } from '../types.ts'
import { paddedIndices } from './border.ts'
import type { PlaneFilter } from './gaussian-filter.ts'

// A weight below this moves no pixel.
const negligible = 1e-12

/**
 * A square kernel of odd side `[side, side]`, not turned over, with borders reflected without repeating the edge:
 * what OpenCV calls a filter. Weights of zero cost nothing.
 */
export function correlation(size: ImageSize, kernel: ArrayLike<number>): PlaneFilter {
  const { height, width } = size
  const side = Math.sqrt(kernel.length)
  const centre = side >> 1
  const taps: { dy: number; dx: number; weight: number }[] = []
  for (let k = 0; k < kernel.length; k++) {
    const weight = kernel[k]!
    if (Math.abs(weight) < negligible) continue
    taps.push({ dy: ((k / side) | 0) - centre, dx: (k % side) - centre, weight })
  }
  const pad = taps.reduce((most, { dy, dx }) => Math.max(most, Math.abs(dy), Math.abs(dx)), 0)
  const rows = paddedIndices(height, pad, 'reflect-101')
  const columns = paddedIndices(width, pad, 'reflect-101')
  const paddedWidth = width + 2 * pad
  const padded = new Float64Array((height + 2 * pad) * paddedWidth)
  const line = new Float64Array(width)

  return (plane, out) => {
    let to = 0
    for (let y = 0; y < rows.length; y++) {
      const from = rows[y]! * width
      for (let x = 0; x < paddedWidth; x++) padded[to++] = plane[from + columns[x]!]!
    }
    for (let y = 0; y < height; y++) {
      line.fill(0)
      for (const { dy, dx, weight } of taps) {
        const from = (y + pad + dy) * paddedWidth + pad + dx
        for (let x = 0; x < width; x++) line[x] = line[x]! + weight * padded[from + x]!
      }
      out.set(line, y * width)
    }
  }
}
