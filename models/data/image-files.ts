import { readFile } from 'node:fs/promises'
import sharp, { type Sharp } from 'sharp'
import { dataError, reasonOf } from './errors.ts'

/** An image in memory. */
export interface RgbImage {
  /** RGB, interleaved: `[height, width, 3]` uint8. */
  pixels: Uint8Array
  width: number
  height: number
}

/**
 * How an image is brought to a size. `cover`: keeps the aspect, scales until the target is filled, cuts the
 * middle out. `fill`: stretches.
 */
export type Fit = 'cover' | 'fill'

export interface DecodeOptions {
  /** Target size; both or neither. Default: the image's own. */
  width?: number
  height?: number
  /** Default `cover`. */
  fit?: Fit
  /** Images that declare more pixels are refused before anything is allocated for them. Default 50 million. */
  maxPixels?: number
}

/** What a network wants of its input image: a part of a bundle manifest's `input`. */
export interface ImageInput {
  /** `[C, H, W]` or `[H, W, C]`, by layout; C = 3. */
  dims: readonly [number, number, number]
  layout: 'NCHW' | 'NHWC'
  /** Per channel (R, G, B), of pixel / 255. */
  mean: readonly number[]
  std: readonly number[]
  fit: Fit
}

const defaultMaxPixels = 50_000_000
const maxSide = 16_384

// Photographs only: an SVG or PDF would run a renderer, with rules of its own, on bytes from outside.
const formats = new Set(['jpeg', 'png', 'webp', 'gif', 'tiff', 'heif'])

/**
 * Decodes a JPEG, PNG, WebP, GIF (first frame), TIFF or AVIF image and brings it to a size. Turned upright by
 * its EXIF orientation; grey becomes RGB; transparency is dropped; 16 bits become 8.
 *
 * @param source the file's bytes, or its path
 * @throws BAD_IMAGE (names the file), IMAGE_TOO_LARGE, BAD_OPTION
 */
export async function decodeImage(
  source: Uint8Array | string,
  options: DecodeOptions = {},
): Promise<RgbImage> {
  const { width, height, fit = 'cover', maxPixels = defaultMaxPixels } = options
  if ((width === undefined) !== (height === undefined)) {
    throw dataError('BAD_OPTION', 'give both width and height, or neither')
  }
  if (width !== undefined && height !== undefined) checkSize(width, height)
  const name = typeof source === 'string' ? source : `image of ${source.length} bytes`
  try {
    const bytes = typeof source === 'string' ? await readFile(source) : source
    const image = sharp(bytes, { limitInputPixels: maxPixels, failOn: 'error', autoOrient: true })
    const { format } = await image.metadata()
    if (!formats.has(format)) throw new Error(`${format} is not a supported kind of image`)
    return await rgbPixels(width === undefined ? image : image.resize(width, height, { fit }))
  } catch (cause) {
    const reason = reasonOf(cause)
    if (/pixel limit/i.test(reason)) {
      throw dataError('IMAGE_TOO_LARGE', `${name}: more than ${maxPixels} pixels; scale it down first`, cause)
    }
    throw dataError('BAD_IMAGE', `cannot read ${name}: ${reason}`, cause)
  }
}

/**
 * An image as the input tensor of a network, without batch: resized, cropped and normalised,
 * (pixel / 255 - mean) / std, in the order of `input.dims`.
 *
 * @param source the bytes of an image file, its path, or decoded pixels
 * @param out at least as long as the tensor; allocated when absent
 * @throws BAD_IMAGE, IMAGE_TOO_LARGE, BAD_OPTION
 */
export async function toTensor(
  source: Uint8Array | string | RgbImage,
  input: ImageInput,
  out?: Float32Array,
): Promise<Float32Array> {
  const [height, width] =
    input.layout === 'NCHW' ? [input.dims[1], input.dims[2]] : [input.dims[0], input.dims[1]]
  checkInput(input)
  checkSize(width, height)
  const encoded = typeof source === 'string' || source instanceof Uint8Array
  const image = encoded
    ? await decodeImage(source, { width, height, fit: input.fit })
    : await resizePixels(source, width, height, input.fit)
  return normalisePixels(image, input, out)
}

async function resizePixels(image: RgbImage, width: number, height: number, fit: Fit): Promise<RgbImage> {
  checkSize(image.width, image.height)
  if (image.pixels.length !== image.width * image.height * 3) {
    throw dataError(
      'BAD_IMAGE',
      `${image.pixels.length} bytes are not ${image.width}×${image.height} RGB pixels`,
    )
  }
  if (image.width === width && image.height === height) return image
  const raw = { width: image.width, height: image.height, channels: 3 } as const
  return rgbPixels(sharp(image.pixels, { raw }).resize(width, height, { fit }))
}

async function rgbPixels(image: Sharp): Promise<RgbImage> {
  const { data, info } = await image
    .toColourspace('srgb')
    .removeAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
  if (info.channels !== 3) throw new Error(`${info.channels} channels instead of 3`)
  return {
    pixels: new Uint8Array(data.buffer, data.byteOffset, data.length),
    width: info.width,
    height: info.height,
  }
}

function normalisePixels(
  image: RgbImage,
  { layout, mean, std }: ImageInput,
  out?: Float32Array,
): Float32Array {
  const { pixels } = image
  const area = image.width * image.height
  const tensor = out ?? new Float32Array(3 * area)
  if (tensor.length < 3 * area) {
    throw dataError('BAD_OPTION', `out holds ${tensor.length} values; the tensor has ${3 * area}`)
  }
  const [pixelStep, channelStep] = layout === 'NCHW' ? [1, area] : [3, 1]
  for (let channel = 0; channel < 3; channel++) {
    const scale = 1 / (255 * std[channel]!)
    const shift = -mean[channel]! / std[channel]!
    let to = channel * channelStep
    for (let from = channel; from < 3 * area; from += 3) {
      tensor[to] = pixels[from]! * scale + shift
      to += pixelStep
    }
  }
  return tensor
}

function checkInput({ dims, layout, mean, std }: ImageInput): void {
  const channels = layout === 'NCHW' ? dims[0] : dims[2]
  if (channels !== 3) {
    throw dataError('BAD_OPTION', `a photo has 3 channels; ${layout} ${dims.join('×')} has ${channels}`)
  }
  if (mean.length !== 3 || std.length !== 3) {
    throw dataError('BAD_OPTION', 'mean and std need one number per channel (3)')
  }
  if (!mean.every(Number.isFinite) || !std.every((s) => Number.isFinite(s) && s > 0)) {
    throw dataError('BAD_OPTION', 'mean must be finite, std finite and above 0')
  }
}

function checkSize(width: number, height: number): void {
  for (const side of [width, height]) {
    if (!Number.isInteger(side) || side < 1 || side > maxSide) {
      throw dataError('BAD_OPTION', `image size ${width}×${height}: each side must be from 1 to ${maxSide}`)
    }
  }
}
