import type { ImageSize } from '../types.ts'
import { paddedIndices } from './border.ts'

/** Blurs a plane `[height, width]` along `angleDeg`; `out` must be another array. */
export type MotionFilter = (plane: ArrayLike<number>, angleDeg: number, out: Float64Array) => void

/**
 * Motion blur as ImageMagick does it: a point leaves a trail to one side, whose weights are half a Gaussian of
 * 2·radius + 1 samples. Each sample sits at the nearest pixel; the edge pixel goes on outside.
 */
export function motionFilter({ height, width }: ImageSize, radius: number, sigma: number): MotionFilter {
  const length = 2 * radius + 1
  const trail = Float64Array.from({ length }, (_, i) => Math.exp((-i * i) / (2 * sigma * sigma)))
  const sum = trail.reduce((total, weight) => total + weight, 0)
  const rows = paddedIndices(height, length, 'nearest')
  const columns = paddedIndices(width, length, 'nearest')

  return (plane, angleDeg, out) => {
    const cos = Math.cos((angleDeg * Math.PI) / 180)
    const sin = Math.sin((angleDeg * Math.PI) / 180)
    out.fill(0)
    for (let i = 0; i < length; i++) {
      const weight = trail[i]! / sum
      const right = Math.ceil(i * cos - 0.5) + length
      const down = Math.ceil(i * sin - 0.5) + length
      for (let y = 0; y < height; y++) {
        const to = y * width
        const from = rows[y + down]! * width
        for (let x = 0; x < width; x++) {
          out[to + x] = out[to + x]! + weight * plane[from + columns[x + right]!]!
        }
      }
    }
  }
}
