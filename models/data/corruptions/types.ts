import type { Random } from '../random.ts'

/** The fifteen types that robustness figures are reported for, in the benchmark's order and spelling. */
export const benchmarkCorruptions = [
  'gaussian_noise',
  'shot_noise',
  'impulse_noise',
  'defocus_blur',
  'glass_blur',
  'motion_blur',
  'zoom_blur',
  'snow',
  'frost',
  'fog',
  'brightness',
  'contrast',
  'elastic_transform',
  'pixelate',
  'jpeg_compression',
] as const

/** The four types that are held out for choosing settings, so that the fifteen stay unseen. */
export const heldOutCorruptions = ['speckle_noise', 'gaussian_blur', 'spatter', 'saturate'] as const

/** All nineteen. A type's place in this list is part of the seed of its random numbers: append only. */
export const corruptionTypes = [...benchmarkCorruptions, ...heldOutCorruptions] as const

export type CorruptionType = (typeof corruptionTypes)[number]

/** 1 is the weakest, 5 the strongest. */
export type Severity = 1 | 2 | 3 | 4 | 5

export const severities: readonly Severity[] = [1, 2, 3, 4, 5]

/** Whose constants: those of CIFAR-10-C, made for 32×32 pixels, or those of ImageNet-C, made for 224×224. */
export type CorruptionSet = 'cifar' | 'imagenet'

/** One of the sets' kinds of damage. */
export interface Corruption {
  type: CorruptionType
  severity: Severity
  /** Default `cifar`. */
  set?: CorruptionSet
}

export interface ImageSize {
  height: number
  width: number
}

/**
 * Writes a corrupted copy of `pixels` to `out`; both `[3, height, width]` uint8, RGB planes, and not the same
 * memory. A corruptor owns its work space, so it allocates nothing per image.
 */
export type Corruptor = (pixels: Uint8Array, out: Uint8Array, random: Random) => void

/** Makes the corruptor of one row of the table for images of one size. */
export type PrepareCorruptor<Constants> = (constants: Constants, size: ImageSize) => Corruptor
