import type { CorruptionSet, CorruptionType } from './types.ts'

/** What the numbers of a row mean, by type. Lengths are in pixels, levels in parts of full scale, angles in degrees. */
export interface CorruptionConstants {
  /** Standard deviation. */
  gaussian_noise: number
  /** Photons at full scale. */
  shot_noise: number
  /** Share of the values that become black or white. */
  impulse_noise: number
  defocus_blur: readonly [radius: number, aliasSigma: number]
  glass_blur: readonly [sigma: number, maxDelta: number, iterations: number]
  motion_blur: readonly [radius: number, sigma: number]
  /** Zooms from 1 until `stop`, as NumPy's `arange(1, stop, step)` counts. */
  zoom_blur: readonly [stop: number, step: number]
  snow: readonly [
    mean: number,
    deviation: number,
    zoom: number,
    threshold: number,
    blurRadius: number,
    blurSigma: number,
    keep: number,
  ]
  frost: readonly [image: number, texture: number]
  fog: readonly [amount: number, wibbleDecay: number]
  /** Added to the value of HSV. */
  brightness: number
  /** Share of the distance to the channel's mean that stays. */
  contrast: number
  elastic_transform: readonly [alpha: number, sigma: number, jitter: number]
  /** Share of the side's pixels that stays. */
  pixelate: number
  /** Quality, in libjpeg's scale. */
  jpeg_compression: number
  /** Standard deviation, in parts of the value itself. */
  speckle_noise: number
  /** Standard deviation of the kernel. */
  gaussian_blur: number
  spatter: readonly [
    mean: number,
    deviation: number,
    blurSigma: number,
    threshold: number,
    /** Water: strength. Mud: sigma of its blur. */
    strength: number,
    /** 0 water, 1 mud. */
    liquid: 0 | 1,
  ]
  /** Saturation of HSV becomes `scale`·S + `offset`. */
  saturate: readonly [scale: number, offset: number]
}

type FiveOf<Row> = readonly [Row, Row, Row, Row, Row]

export type ConstantsTable = { readonly [T in CorruptionType]: FiveOf<CorruptionConstants[T]> }

/** Rows of lengths that the authors wrote as shares of the image's side. */
const ofSide = (
  side: number,
  rows: FiveOf<CorruptionConstants['elastic_transform']>,
): FiveOf<CorruptionConstants['elastic_transform']> =>
  rows.map(([alpha, sigma, jitter]) => [side * alpha, side * sigma, side * jitter]) as unknown as FiveOf<
    CorruptionConstants['elastic_transform']
  >

/**
 * Every constant of CIFAR-10-C and ImageNet-C (Hendrycks and Dietterich, "Benchmarking neural network robustness
 * to common corruptions and perturbations", ICLR 2019, and the programs published with it), severities 1 to 5.
 */
export const corruptionConstants: Readonly<Record<CorruptionSet, ConstantsTable>> = {
  cifar: {
    gaussian_noise: [0.04, 0.06, 0.08, 0.09, 0.1],
    shot_noise: [500, 250, 100, 75, 50],
    impulse_noise: [0.01, 0.02, 0.03, 0.05, 0.07],
    defocus_blur: [
      [0.3, 0.4],
      [0.4, 0.5],
      [0.5, 0.6],
      [1, 0.2],
      [1.5, 0.1],
    ],
    glass_blur: [
      [0.05, 1, 1],
      [0.25, 1, 1],
      [0.4, 1, 1],
      [0.25, 1, 2],
      [0.4, 1, 2],
    ],
    motion_blur: [
      [6, 1],
      [6, 1.5],
      [6, 2],
      [8, 2],
      [9, 2.5],
    ],
    zoom_blur: [
      [1.06, 0.01],
      [1.11, 0.01],
      [1.16, 0.01],
      [1.21, 0.01],
      [1.26, 0.01],
    ],
    snow: [
      [0.1, 0.2, 1, 0.6, 8, 3, 0.95],
      [0.1, 0.2, 1, 0.5, 10, 4, 0.9],
      [0.15, 0.3, 1.75, 0.55, 10, 4, 0.9],
      [0.25, 0.3, 2.25, 0.6, 12, 6, 0.85],
      [0.3, 0.3, 1.25, 0.65, 14, 12, 0.8],
    ],
    frost: [
      [1, 0.2],
      [1, 0.3],
      [0.9, 0.4],
      [0.85, 0.4],
      [0.75, 0.45],
    ],
    fog: [
      [0.2, 3],
      [0.5, 3],
      [0.75, 2.5],
      [1, 2],
      [1.5, 1.75],
    ],
    brightness: [0.05, 0.1, 0.15, 0.2, 0.3],
    contrast: [0.75, 0.5, 0.4, 0.3, 0.15],
    elastic_transform: ofSide(32, [
      [0, 0, 0.08],
      [0.05, 0.2, 0.07],
      [0.08, 0.06, 0.06],
      [0.1, 0.04, 0.05],
      [0.1, 0.03, 0.03],
    ]),
    pixelate: [0.95, 0.9, 0.85, 0.75, 0.65],
    jpeg_compression: [80, 65, 58, 50, 40],
    speckle_noise: [0.06, 0.1, 0.12, 0.16, 0.2],
    gaussian_blur: [0.4, 0.6, 0.7, 0.8, 1],
    spatter: [
      [0.62, 0.1, 0.7, 0.7, 0.5, 0],
      [0.65, 0.1, 0.8, 0.7, 0.5, 0],
      [0.65, 0.3, 1, 0.69, 0.5, 0],
      [0.65, 0.1, 0.7, 0.69, 0.6, 1],
      [0.65, 0.1, 0.5, 0.68, 0.6, 1],
    ],
    saturate: [
      [0.3, 0],
      [0.1, 0],
      [1.5, 0],
      [2, 0.1],
      [2.5, 0.2],
    ],
  },
  imagenet: {
    gaussian_noise: [0.08, 0.12, 0.18, 0.26, 0.38],
    shot_noise: [60, 25, 12, 5, 3],
    impulse_noise: [0.03, 0.06, 0.09, 0.17, 0.27],
    defocus_blur: [
      [3, 0.1],
      [4, 0.5],
      [6, 0.5],
      [8, 0.5],
      [10, 0.5],
    ],
    glass_blur: [
      [0.7, 1, 2],
      [0.9, 2, 1],
      [1, 2, 3],
      [1.1, 3, 2],
      [1.5, 4, 2],
    ],
    motion_blur: [
      [10, 3],
      [15, 5],
      [15, 8],
      [15, 12],
      [20, 15],
    ],
    zoom_blur: [
      [1.11, 0.01],
      [1.16, 0.01],
      [1.21, 0.02],
      [1.26, 0.02],
      [1.31, 0.03],
    ],
    snow: [
      [0.1, 0.3, 3, 0.5, 10, 4, 0.8],
      [0.2, 0.3, 2, 0.5, 12, 4, 0.7],
      [0.55, 0.3, 4, 0.9, 12, 8, 0.7],
      [0.55, 0.3, 4.5, 0.85, 12, 8, 0.65],
      [0.55, 0.3, 2.5, 0.85, 12, 12, 0.55],
    ],
    frost: [
      [1, 0.4],
      [0.8, 0.6],
      [0.7, 0.7],
      [0.65, 0.7],
      [0.6, 0.75],
    ],
    fog: [
      [1.5, 2],
      [2, 2],
      [2.5, 1.7],
      [2.5, 1.5],
      [3, 1.4],
    ],
    brightness: [0.1, 0.2, 0.3, 0.4, 0.5],
    contrast: [0.4, 0.3, 0.2, 0.1, 0.05],
    // The side is 224; the authors wrote 244, and the published set was made so.
    elastic_transform: ofSide(244, [
      [2, 0.7, 0.1],
      [2, 0.08, 0.2],
      [0.05, 0.01, 0.02],
      [0.07, 0.01, 0.02],
      [0.12, 0.01, 0.02],
    ]),
    pixelate: [0.6, 0.5, 0.4, 0.3, 0.25],
    jpeg_compression: [25, 18, 15, 10, 7],
    speckle_noise: [0.15, 0.2, 0.35, 0.45, 0.6],
    gaussian_blur: [1, 2, 3, 4, 6],
    spatter: [
      [0.65, 0.3, 4, 0.69, 0.6, 0],
      [0.65, 0.3, 3, 0.68, 0.6, 0],
      [0.65, 0.3, 2, 0.68, 0.5, 0],
      [0.65, 0.3, 1, 0.65, 1.5, 1],
      [0.67, 0.4, 1, 0.65, 1.5, 1],
    ],
    saturate: [
      [0.3, 0],
      [0.1, 0],
      [2, 0],
      [5, 0.1],
      [20, 0.2],
    ],
  },
}
