import type { ImageSize } from '../types.ts'
import { type Border, paddedIndices } from './border.ts'

/** Filters one plane `[height, width]`; `out` may be `plane`. */
export type PlaneFilter = (plane: Float64Array, out: Float64Array) => void

/** Samples of a Gaussian at -radius … radius that sum to 1. */
export function gaussianKernel(sigma: number, radius: number): Float64Array {
  const kernel = Float64Array.from({ length: 2 * radius + 1 }, (_, k) =>
    k === radius ? 1 : Math.exp(-((k - radius) ** 2) / (2 * sigma * sigma)),
  )
  const sum = kernel.reduce((total, weight) => total + weight, 0)
  return kernel.map((weight) => weight / sum)
}

/**
 * A Gaussian blur as SciPy and scikit-image do it: the kernel ends at `truncate`·σ, rounded.
 *
 * @param truncate default 4
 * @param border default `nearest`
 */
export function gaussianFilter(
  size: ImageSize,
  sigma: number,
  { truncate = 4, border = 'nearest' }: { truncate?: number; border?: Border } = {},
): PlaneFilter {
  return separableFilter(size, gaussianKernel(sigma, Math.floor(truncate * sigma + 0.5)), border)
}

/** The same symmetric kernel of odd length along both axes. */
export function separableFilter(size: ImageSize, kernel: Float64Array, border: Border): PlaneFilter {
  const { height, width } = size
  const radius = kernel.length >> 1
  const rows = paddedIndices(height, radius, border)
  const columns = paddedIndices(width, radius, border)
  const between = new Float64Array(height * width)
  const line = new Float64Array(width + 2 * radius)

  return (plane, out) => {
    if (radius === 0) {
      out.set(plane)
      return
    }
    const middle = kernel[radius]!
    for (let y = 0; y < height; y++) {
      const to = y * width
      for (let x = 0; x < width; x++) between[to + x] = middle * plane[to + x]!
      for (let k = 1; k <= radius; k++) {
        const weight = kernel[radius + k]!
        const above = rows[y + radius - k]! * width
        const below = rows[y + radius + k]! * width
        for (let x = 0; x < width; x++) {
          between[to + x] = between[to + x]! + weight * (plane[above + x]! + plane[below + x]!)
        }
      }
    }
    for (let y = 0; y < height; y++) {
      const from = y * width
      for (let x = 0; x < line.length; x++) line[x] = between[from + columns[x]!]!
      for (let x = 0; x < width; x++) {
        let sum = middle * line[x + radius]!
        for (let k = 1; k <= radius; k++) {
          sum += kernel[radius + k]! * (line[x + radius - k]! + line[x + radius + k]!)
        }
        out[from + x] = sum
      }
    }
  }
}
