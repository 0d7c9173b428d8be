import type { CorruptionConstants } from './constants.ts'
import { frostTexture, frostTextureSide } from './frost-texture.ts'
import { toByte } from './operations/unit-range.ts'
import type { PrepareCorruptor } from './types.ts'

/**
 * Ice on the lens: a random cut of one of the textures, mixed in. `reduction` is what a texture's side is divided by
 * first. Textures have no edge: an image larger than one sees it again and again.
 */
export const frostOf =
  (reduction: number): PrepareCorruptor<CorruptionConstants['frost']> =>
  ([imageShare, textureShare], { height, width }) => {
    const area = height * width
    const side = Math.floor(frostTextureSide / reduction)
    // The middle pixel of each reduced one: what linear interpolation by an odd factor reads.
    const middle = reduction >> 1
    return (pixels, out, random) => {
      const texture = frostTexture(frostIndex(random))
      const top = random.below(Math.max(1, side - height))
      const left = random.below(Math.max(1, side - width))
      for (let y = 0; y < height; y++) {
        const row = (((top + y) % side) * reduction + middle) * frostTextureSide
        for (let x = 0; x < width; x++) {
          const from = 3 * (row + ((left + x) % side) * reduction + middle)
          const to = y * width + x
          for (let channel = 0; channel < 3; channel++) {
            const at = channel * area + to
            out[at] = toByte((imageShare * pixels[at]! + textureShare * texture[from + channel]!) / 255)
          }
        }
      }
    }
  }

/** Which texture. The published sets have six and draw among the first five. */
export const frostIndex = (random: { below(limit: number): number }): number => random.below(5)
