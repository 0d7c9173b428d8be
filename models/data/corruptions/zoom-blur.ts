import { clippedZoom } from './operations/clipped-zoom.ts'
import { toBytes, toUnit } from './operations/unit-range.ts'
import type { PrepareCorruptor } from './types.ts'

/** A camera that comes nearer: the mean of the image and its zooms. */
export const zoomBlur: PrepareCorruptor<readonly [number, number]> = ([stop, step], size) => {
  const area = size.height * size.width
  const zooms = zoomFactors(stop, step).map((factor) => clippedZoom(size, factor))
  const levels = new Float64Array(3 * area)
  const sum = new Float64Array(3 * area)
  return (pixels, out) => {
    toUnit(pixels, levels)
    sum.set(levels)
    for (let channel = 0; channel < 3; channel++) {
      const plane = levels.subarray(channel * area, (channel + 1) * area)
      const into = sum.subarray(channel * area, (channel + 1) * area)
      for (const zoom of zooms) zoom(plane, into)
    }
    for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! / (zooms.length + 1)
    toBytes(sum, out)
  }
}

/** NumPy's `arange(1, stop, step)`, whose rounding sometimes lets `stop` itself in. */
export function zoomFactors(stop: number, step: number): number[] {
  const stride = 1 + step - 1
  return Array.from({ length: Math.ceil((stop - 1) / step) }, (_, k) => 1 + k * stride)
}
