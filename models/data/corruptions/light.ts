import { toByte, unitOf } from './operations/unit-range.ts'
import type { PrepareCorruptor } from './types.ts'

/** More light: the value of HSV grows by `amount`; hue and saturation stay, so that all channels grow in proportion. */
export const brightness: PrepareCorruptor<number> = (amount) => (pixels, out) => {
  const area = pixels.length / 3
  for (let i = 0; i < area; i++) {
    const most = Math.max(pixels[i]!, pixels[area + i]!, pixels[2 * area + i]!)
    const value = Math.min(1, unitOf[most]! + amount)
    for (let at = i; at < pixels.length; at += area) {
      const pixel = pixels[at]!
      out[at] = toByte(pixel === most ? value : (value * pixel) / most)
    }
  }
}

/**
 * More or less colour: saturation S of HSV becomes scale·S + offset, within 0 … 1. Value and hue stay, so that each
 * channel's distance to the brightest one scales. Grey has hue 0, by convention: with an offset it turns red.
 */
export const saturate: PrepareCorruptor<readonly [number, number]> =
  ([scale, offset]) =>
  (pixels, out) => {
    const area = pixels.length / 3
    for (let i = 0; i < area; i++) {
      const most = Math.max(pixels[i]!, pixels[area + i]!, pixels[2 * area + i]!)
      const range = most - Math.min(pixels[i]!, pixels[area + i]!, pixels[2 * area + i]!)
      const saturation = range === 0 ? 0 : range / most
      const wanted = Math.min(1, Math.max(0, scale * saturation + offset))
      const value = unitOf[most]!
      for (let channel = 0; channel < 3; channel++) {
        const at = channel * area + i
        const distance = range === 0 ? (channel === 0 ? 0 : 1) : (most - pixels[at]!) / range
        out[at] = toByte(value * (1 - wanted * distance))
      }
    }
  }

/** Less contrast: each channel draws near its own mean. */
export const contrast: PrepareCorruptor<number> = (keep) => (pixels, out) => {
  const area = pixels.length / 3
  for (let first = 0; first < pixels.length; first += area) {
    let sum = 0
    for (let i = first; i < first + area; i++) sum += pixels[i]!
    const mean = sum / area / 255
    for (let i = first; i < first + area; i++) out[i] = toByte((unitOf[pixels[i]!]! - mean) * keep + mean)
  }
}
