import type { ImageSize } from '../types.ts'
import { type Border, inside } from './border.ts'

/** Writes the three channels at (y, x) of `levels`, `[3, height, width]`, between pixels linearly, to `out` at `at`. */
export function bilinear(
  levels: Float64Array,
  { height, width }: ImageSize,
  y: number,
  x: number,
  border: Border,
  out: Float64Array,
  at: number,
): void {
  const top = Math.floor(y)
  const left = Math.floor(x)
  const down = y - top
  const across = x - left
  const above = inside(top, height, border) * width
  const below = inside(top + 1, height, border) * width
  const before = inside(left, width, border)
  const after = inside(left + 1, width, border)
  const area = height * width
  for (let channel = 0; channel < 3; channel++) {
    const plane = channel * area
    const upper = levels[plane + above + before]! * (1 - across) + levels[plane + above + after]! * across
    const lower = levels[plane + below + before]! * (1 - across) + levels[plane + below + after]! * across
    out[plane + at] = upper * (1 - down) + lower * down
  }
}
