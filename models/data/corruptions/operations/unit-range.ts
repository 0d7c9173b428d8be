/** Each pixel value in parts of full scale. */
export const unitOf: Float64Array = Float64Array.from({ length: 256 }, (_, value) => value / 255)

/** Pixels to [0, 1]. */
export function toUnit(pixels: Uint8Array, out: Float64Array): void {
  for (let i = 0; i < out.length; i++) out[i] = unitOf[pixels[i]!]!
}

/** A level to a pixel: kept within [0, 1], then cut (not rounded) to a whole number, as the published sets were. */
export const toByte = (level: number): number => (level <= 0 ? 0 : level >= 1 ? 255 : (level * 255) | 0)

/** Levels to pixels, see {@link toByte}. */
export function toBytes(levels: Float64Array, out: Uint8Array): void {
  for (let i = 0; i < levels.length; i++) out[i] = toByte(levels[i]!)
}
