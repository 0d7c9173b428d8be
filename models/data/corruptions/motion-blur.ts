import { motionFilter } from './operations/motion-filter.ts'
import type { PrepareCorruptor } from './types.ts'

/** A camera that moves to the right, at an angle of up to 45° up or down. */
export const motionBlur: PrepareCorruptor<readonly [number, number]> = ([radius, sigma], size) => {
  const area = size.height * size.width
  const filter = motionFilter(size, radius, sigma)
  const blurred = new Float64Array(area)
  return (pixels, out, random) => {
    const angleDeg = -45 + 90 * random.uniform()
    for (let channel = 0; channel < 3; channel++) {
      const first = channel * area
      filter(pixels.subarray(first, first + area), angleDeg, blurred)
      // ImageMagick rounds, where the other types cut.
      for (let i = 0; i < area; i++) out[first + i] = Math.round(blurred[i]!)
    }
  }
}
