import type { Random } from '../random.ts'
import { bilinear } from './operations/bilinear.ts'
import { gaussianFilter } from './operations/gaussian-filter.ts'
import { toByte, toUnit } from './operations/unit-range.ts'
import type { ImageSize, PrepareCorruptor } from './types.ts'

/** A sheet of rubber: a random affine map, then each pixel is moved by a smooth random field. */
export const elasticTransform: PrepareCorruptor<readonly [number, number, number]> = (
  [alpha, sigma, jitter],
  size,
) => {
  const { height, width } = size
  const area = height * width
  const levels = new Float64Array(3 * area)
  const warped = new Float64Array(3 * area)
  const across = new Float64Array(area)
  const down = new Float64Array(area)
  const smooth = gaussianFilter(size, sigma, { truncate: 3, border: 'reflect' })
  const field = (out: Float64Array, random: Random): void => {
    for (let i = 0; i < area; i++) out[i] = 2 * random.uniform() - 1
    smooth(out, out)
  }

  return (pixels, out, random) => {
    toUnit(pixels, levels)
    const [a, b, c, d, e, f] = randomAffine(size, jitter, random)
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        bilinear(levels, size, d * x + e * y + f, a * x + b * y + c, 'reflect-101', warped, y * width + x)
      }
    }
    field(across, random)
    field(down, random)
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const at = y * width + x
        bilinear(warped, size, y + alpha * down[at]!, x + alpha * across[at]!, 'reflect', levels, at)
      }
    }
    for (let i = 0; i < levels.length; i++) out[i] = toByte(levels[i]!)
  }
}

/**
 * x' = ax + by + c, y' = dx + ey + f: from a pixel of the result to the place in the image where it comes from.
 * Three corners of a square around the centre, a third of the image away from it, each move by U(-jitter, jitter)
 * along each axis; this is the map back.
 */
function randomAffine({ height, width }: ImageSize, jitter: number, random: Random) {
  const centreX = width >> 1
  const centreY = height >> 1
  const reach = Math.floor(Math.min(height, width) / 3)
  const move = (): number => jitter * (2 * random.uniform() - 1)
  // At such sizes the three points are one.
  if (reach === 0) return [1, 0, move(), 0, 1, move()] as const
  const x = [centreX + reach, centreX + reach, centreX - reach] as const
  const y = [centreY + reach, centreY - reach, centreY - reach] as const
  const u = [x[0] + move(), x[1] + move(), x[2] + move()] as const
  const v = [y[0] + move(), y[1] + move(), y[2] + move()] as const
  const determinant = (u[1] - u[0]) * (v[2] - v[0]) - (u[2] - u[0]) * (v[1] - v[0])
  const solve = (w: readonly [number, number, number]) => {
    const alongU = ((w[1] - w[0]) * (v[2] - v[0]) - (w[2] - w[0]) * (v[1] - v[0])) / determinant
    const alongV = ((u[1] - u[0]) * (w[2] - w[0]) - (u[2] - u[0]) * (w[1] - w[0])) / determinant
    return [alongU, alongV, w[0] - alongU * u[0] - alongV * v[0]] as const
  }
  return [...solve(x), ...solve(y)] as const
}
