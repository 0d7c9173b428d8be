import type { CorruptionConstants } from './constants.ts'
import { clippedZoom } from './operations/clipped-zoom.ts'
import { motionFilter } from './operations/motion-filter.ts'
import { toByte, unitOf } from './operations/unit-range.ts'
import type { PrepareCorruptor } from './types.ts'

/** Flakes that fall, and the pale light of a snowy day. */
export const snow: PrepareCorruptor<CorruptionConstants['snow']> = (
  [mean, deviation, zoom, threshold, blurRadius, blurSigma, keep],
  size,
) => {
  const area = size.height * size.width
  const noise = new Float64Array(area)
  const flakes = new Float64Array(area)
  const falling = new Float64Array(area)
  const enlarge = clippedZoom(size, zoom)
  const filter = motionFilter(size, blurRadius, blurSigma)

  return (pixels, out, random) => {
    for (let i = 0; i < area; i++) noise[i] = mean + deviation * random.normal()
    flakes.fill(0)
    enlarge(noise, flakes)
    for (let i = 0; i < area; i++) flakes[i] = flakes[i]! < threshold ? 0 : toByte(flakes[i]!)
    filter(flakes, -135 + 90 * random.uniform(), falling)
    for (let i = 0; i < area; i++) falling[i] = Math.round(falling[i]!) / 255

    for (let i = 0; i < area; i++) {
      const red = unitOf[pixels[i]!]!
      const green = unitOf[pixels[area + i]!]!
      const blue = unitOf[pixels[2 * area + i]!]!
      const pale = 1.5 * (0.299 * red + 0.587 * green + 0.114 * blue) + 0.5
      // The layer and the layer turned by 180°.
      const layer = falling[i]! + falling[area - 1 - i]!
      out[i] = toByte(keep * red + (1 - keep) * Math.max(red, pale) + layer)
      out[area + i] = toByte(keep * green + (1 - keep) * Math.max(green, pale) + layer)
      out[2 * area + i] = toByte(keep * blue + (1 - keep) * Math.max(blue, pale) + layer)
    }
  }
}
