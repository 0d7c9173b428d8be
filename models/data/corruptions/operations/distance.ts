import type { ImageSize } from '../types.ts'

// Borgefors' steps for a 5×5 mask: straight, diagonal, a knight's move.
const straight = 1
const diagonal = 1.4
const knight = 2.1969

/**
 * The distance of each pixel to the nearest marked one, `[height, width]`, nearly Euclidean: two sweeps with a 5×5 mask
 * (Borgefors, "Distance transformations in digital images", 1986), as OpenCV's `DIST_L2` with mask 5.
 *
 * @returns infinity everywhere when nothing is marked
 */
export function distanceTo(marked: Uint8Array, { height, width }: ImageSize): Float64Array {
  // A frame of two pixels that are nowhere near anything spares the sweeps all questions about borders.
  const stride = width + 4
  const framed = new Float64Array((height + 4) * stride).fill(Number.POSITIVE_INFINITY)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) if (marked[y * width + x]) framed[(y + 2) * stride + x + 2] = 0
  }
  for (let y = 0; y < height; y++) {
    const row = (y + 2) * stride + 2
    for (let x = 0; x < width; x++) relax(framed, row + x, stride, 1)
  }
  const distance = new Float64Array(height * width)
  for (let y = height - 1; y >= 0; y--) {
    const row = (y + 2) * stride + 2
    for (let x = width - 1; x >= 0; x--) relax(framed, row + x, -stride, -1)
    distance.set(framed.subarray(row, row + width), y * width)
  }
  return distance
}

/** Looks at the pixels that the sweep has been at: a step `column` back, and in the two rows a step `row` back. */
function relax(distance: Float64Array, at: number, row: number, column: 1 | -1): void {
  const previous = at - row
  const sides = Math.min(distance[at - column]!, distance[previous]!) + straight
  const corners = Math.min(distance[previous - column]!, distance[previous + column]!) + diagonal
  const near = Math.min(distance[previous - 2 * column]!, distance[previous + 2 * column]!)
  const far = Math.min(distance[previous - row - column]!, distance[previous - row + column]!)
  distance[at] = Math.min(distance[at]!, sides, corners, Math.min(near, far) + knight)
}
