import { nearestNames } from '../../onnx/nearest-names.ts'
import { dataError } from '../errors.ts'
import type { LabelledImages } from '../labelled-images.ts'
import { type Random, seededRandom } from '../random.ts'
import { defocusBlur, gaussianBlur } from './blur.ts'
import { type CorruptionConstants, corruptionConstants } from './constants.ts'
import { elasticTransform } from './elastic.ts'
import { fog } from './fog.ts'
import { frostOf } from './frost.ts'
import { glassBlur } from './glass-blur.ts'
import { jpegCompression } from './jpeg.ts'
import { brightness, contrast, saturate } from './light.ts'
import { motionBlur } from './motion-blur.ts'
import { gaussianNoise, impulseNoise, speckleNoise } from './noise.ts'
import { pixelate } from './pixelate.ts'
import { shotNoise } from './shot-noise.ts'
import { snow } from './snow.ts'
import { spatter } from './spatter.ts'
import {
  type Corruption,
  type CorruptionSet,
  type CorruptionType,
  type Corruptor,
  corruptionTypes,
  type ImageSize,
  type PrepareCorruptor,
  severities,
} from './types.ts'
import { zoomBlur } from './zoom-blur.ts'

/** An image in memory: `[3, height, width]` uint8, RGB planes. */
export interface PlanarImage extends ImageSize {
  pixels: Uint8Array
}

type Preparations = { readonly [T in CorruptionType]: PrepareCorruptor<CorruptionConstants[T]> }

const preparations: Omit<Preparations, 'frost'> = {
  gaussian_noise: gaussianNoise,
  shot_noise: shotNoise,
  impulse_noise: impulseNoise,
  defocus_blur: defocusBlur,
  glass_blur: glassBlur,
  motion_blur: motionBlur,
  zoom_blur: zoomBlur,
  snow,
  fog,
  brightness,
  contrast,
  elastic_transform: elasticTransform,
  pixelate,
  jpeg_compression: jpegCompression,
  speckle_noise: speckleNoise,
  gaussian_blur: gaussianBlur,
  spatter,
  saturate,
}

/** CIFAR's images are small, so that its set looks at the textures from five times as far. */
const preparationsOf: Readonly<Record<CorruptionSet, Preparations>> = {
  cifar: { ...preparations, frost: frostOf(5) },
  imagenet: { ...preparations, frost: frostOf(1) },
}

/**
 * Makes ready to damage many images of one size: tables and work space are made once.
 *
 * @throws BAD_OPTION for an unknown type, severity or set, and for a size without pixels
 */
export function corruptor(corruption: Corruption, size: ImageSize): Corruptor {
  const { type, severity, set } = checked(corruption)
  const { height, width } = size
  if (!(Number.isInteger(height) && Number.isInteger(width) && height > 0 && width > 0)) {
    throw dataError('BAD_OPTION', `an image of ${height}×${width} pixels cannot be corrupted`)
  }
  return prepare(type, severity - 1, set, { height, width })
}

const prepare = <T extends CorruptionType>(
  type: T,
  row: number,
  set: CorruptionSet,
  size: ImageSize,
): Corruptor => preparationsOf[set][type](corruptionConstants[set][type][row]!, size)

/**
 * A damaged copy of one image, `[3, height, width]` uint8. For many images of one size, {@link corruptor} is faster.
 *
 * @throws BAD_OPTION
 */
export function corrupt(image: PlanarImage, corruption: Corruption, random: Random): Uint8Array {
  const damage = corruptor(corruption, image)
  const bytes = 3 * image.height * image.width
  if (image.pixels.length !== bytes) {
    throw dataError(
      'BAD_OPTION',
      `${image.pixels.length} pixel values are not ${image.height}×${image.width} RGB`,
    )
  }
  const out = new Uint8Array(bytes)
  damage(image.pixels, out, random)
  return out
}

/**
 * Damaged copies of all images, with the same labels. Each image has random numbers of its own, named by seed, type,
 * severity and its index, so that its copy does not depend on the others: not on how many there are, nor on
 * whether they were corrupted at all.
 *
 * @throws BAD_OPTION
 */
export function corruptImages(images: LabelledImages, corruption: Corruption, seed = 0): LabelledImages {
  const damage = corruptor(corruption, images)
  const { count, height, width, pixels } = images
  const bytes = 3 * height * width
  if (pixels.length !== count * bytes) {
    throw dataError('BAD_OPTION', `${pixels.length} pixel values are not ${count} images`)
  }
  const out = new Uint8Array(pixels.length)
  for (let index = 0; index < count; index++) {
    const first = index * bytes
    damage(
      pixels.subarray(first, first + bytes),
      out.subarray(first, first + bytes),
      corruptionRandom(corruption, index, seed),
    )
  }
  return { ...images, pixels: out }
}

/** The random numbers of one image's damage, as {@link corruptImages} draws them. */
export const corruptionRandom = ({ type, severity }: Corruption, index: number, seed: number): Random =>
  seededRandom(seed, corruptionTypes.indexOf(type), severity, index)

function checked({ type, severity, set = 'cifar' }: Corruption): Required<Corruption> {
  oneOf('corruption', type, corruptionTypes)
  oneOf('set', set, Object.keys(corruptionConstants))
  if (!severities.includes(severity)) {
    throw dataError('BAD_OPTION', `severity ${String(severity)} is not 1, 2, 3, 4 or 5`)
  }
  return { type, severity, set }
}

function oneOf(what: string, name: unknown, names: readonly string[]): void {
  if (names.includes(name as string)) return
  const [nearest] = nearestNames(String(name), names, 1)
  throw dataError(
    'BAD_OPTION',
    `no ${what} is called ${JSON.stringify(name)}; the nearest name is ${nearest}`,
  )
}
