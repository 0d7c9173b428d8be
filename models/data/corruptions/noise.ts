import { toByte, unitOf } from './operations/unit-range.ts'
import type { PrepareCorruptor } from './types.ts'

/** Normal noise, added. */
export const gaussianNoise: PrepareCorruptor<number> = (deviation) => (pixels, out, random) => {
  for (let i = 0; i < pixels.length; i++) out[i] = toByte(unitOf[pixels[i]!]! + deviation * random.normal())
}

/** Normal noise in proportion to the value, added. */
export const speckleNoise: PrepareCorruptor<number> = (deviation) => (pixels, out, random) => {
  for (let i = 0; i < pixels.length; i++) {
    const level = unitOf[pixels[i]!]!
    out[i] = toByte(level + level * deviation * random.normal())
  }
}

/** Salt and pepper, for each value of each channel apart. */
export const impulseNoise: PrepareCorruptor<number> = (amount) => (pixels, out, random) => {
  for (let i = 0; i < pixels.length; i++) {
    const chance = random.uniform()
    out[i] = chance >= amount ? pixels[i]! : chance < amount / 2 ? 255 : 0
  }
}
