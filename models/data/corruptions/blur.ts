import { correlation } from './operations/correlate.ts'
import {
  gaussianFilter,
  gaussianKernel,
  type PlaneFilter,
  separableFilter,
} from './operations/gaussian-filter.ts'
import { toBytes, toUnit } from './operations/unit-range.ts'
import type { Corruptor, ImageSize, PrepareCorruptor } from './types.ts'

export const gaussianBlur: PrepareCorruptor<number> = (sigma, size) =>
  filtered(size, gaussianFilter(size, sigma))

/** A lens out of focus: each point becomes a disk. */
export const defocusBlur: PrepareCorruptor<readonly [number, number]> = ([radius, aliasSigma], size) =>
  filtered(size, correlation(size, diskKernel(radius, aliasSigma)))

/**
 * A disk whose rim is softened: `[side, side]`, side 17 up to radius 8, 2·radius + 1 above. Below radius 1 the disk
 * is one pixel, so that only the softening is left: a Gaussian of 3×3.
 */
export function diskKernel(radius: number, aliasSigma: number): Float64Array {
  const reach = radius <= 8 ? 8 : Math.floor(radius)
  const side = 2 * reach + 1
  const disk = new Float64Array(side * side)
  let inside = 0
  for (let y = -reach; y <= reach; y++) {
    for (let x = -reach; x <= reach; x++) {
      if (x * x + y * y > radius * radius) continue
      disk[(y + reach) * side + x + reach] = 1
      inside++
    }
  }
  for (let i = 0; i < disk.length; i++) disk[i] = disk[i]! / inside
  const soften = gaussianKernel(aliasSigma, radius <= 8 ? 1 : 2)
  separableFilter({ height: side, width: side }, soften, 'reflect-101')(disk, disk)
  return disk
}

/** A corruptor that filters each channel by itself. */
function filtered({ height, width }: ImageSize, filter: PlaneFilter): Corruptor {
  const levels = new Float64Array(3 * height * width)
  return (pixels, out) => {
    toUnit(pixels, levels)
    for (let channel = 0; channel < 3; channel++) {
      const plane = levels.subarray(channel * height * width, (channel + 1) * height * width)
      filter(plane, plane)
    }
    toBytes(levels, out)
  }
}
