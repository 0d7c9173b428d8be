import type { Random } from '../random.ts'
import { gaussianFilter } from './operations/gaussian-filter.ts'
import { toBytes, toUnit } from './operations/unit-range.ts'
import type { ImageSize, PrepareCorruptor } from './types.ts'

/** Frosted glass: blur, pixels scattered to their neighbours, blur. */
export const glassBlur: PrepareCorruptor<readonly [number, number, number]> = (
  [sigma, maxDelta, iterations],
  size,
) => {
  const area = size.height * size.width
  const levels = new Float64Array(3 * area)
  const filter = gaussianFilter(size, sigma)
  const blur = (pixels: Uint8Array, out: Uint8Array): void => {
    toUnit(pixels, levels)
    for (let channel = 0; channel < 3; channel++) {
      const plane = levels.subarray(channel * area, (channel + 1) * area)
      filter(plane, plane)
    }
    toBytes(levels, out)
  }
  return (pixels, out, random) => {
    blur(pixels, out)
    for (let k = 0; k < iterations; k++) scatter(out, size, maxDelta, random)
    blur(out, out)
  }
}

/**
 * Every pixel, from the last to the first, takes the value of a random neighbour, at -maxDelta … maxDelta-1 along
 * each axis. The authors wrote an exchange of the two, but what they exchange are views of one array, so that the
 * neighbour keeps its value; the published sets were made so.
 */
export function scatter(
  pixels: Uint8Array,
  { height, width }: ImageSize,
  maxDelta: number,
  random: Pick<Random, 'below'>,
): void {
  const area = height * width
  for (let y = height - maxDelta; y > maxDelta; y--) {
    for (let x = width - maxDelta; x > maxDelta; x--) {
      const dx = random.below(2 * maxDelta) - maxDelta
      const dy = random.below(2 * maxDelta) - maxDelta
      const to = y * width + x
      const from = (y + dy) * width + x + dx
      pixels[to] = pixels[from]!
      pixels[area + to] = pixels[area + from]!
      pixels[2 * area + to] = pixels[2 * area + from]!
    }
  }
}
