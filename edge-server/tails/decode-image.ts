import type { Manifest } from '@isthmus/models/bundle'
import { IsthmusError, wireError } from '@isthmus/proto'
import sharp, { type Metadata, type Sharp } from 'sharp'
import { pngWithoutTexts } from './png-without-texts.ts'

// One image at a time on this thread's behalf, and no cache of what will not come again.
sharp.concurrency(1)
sharp.cache(false)

/**
 * Largest image that is decoded: this, or 16 times the model's input. What an image takes in memory and time has
 * nothing to do with how few bytes it was sent in; a device sends it in the input's size.
 */
const MAX_PIXELS = 2 ** 20

type Input = Manifest['input']

const sizeOf = ({ layout, dims }: Input) => {
  const [channels, height, width] = layout === 'NCHW' ? dims : [dims[2], dims[0], dims[1]]
  return { channels, height, width }
}

/**
 * Pixels `[H,W,C] uint8` as the model's input: (pixel / 255 − mean) / std, float32, in the model's layout.
 * Writes into `out`.
 */
export function normalise(pixels: Uint8Array, input: Input, out: Float32Array): Float32Array {
  const { channels, height, width } = sizeOf(input)
  const area = height * width
  for (let channel = 0; channel < channels; channel++) {
    const mean = input.mean[channel] ?? input.mean[0]!
    const std = input.std[channel] ?? input.std[0]!
    const gain = 1 / (255 * std)
    const shift = mean / std
    const planar = input.layout === 'NCHW'
    let to = planar ? channel * area : channel
    const step = planar ? 1 : channels
    for (let from = channel; from < pixels.length; from += channels, to += step) {
      out[to] = pixels[from]! * gain - shift
    }
  }
  return out
}

/** What an image may be coded as. */
export type ImageCodec = 'png' | 'jpeg' | 'webp'

/**
 * Decodes a PNG, JPEG or WebP image and fits it into the model's height and width.
 * Returns `[H,W,C] uint8`. Throws BAD_PAYLOAD.
 */
export function decodeImage(bytes: Uint8Array, codec: ImageCodec, input: Input): Promise<Uint8Array> {
  const { channels, height, width } = sizeOf(input)
  return decode(bytes, codec, channels, Math.max(MAX_PIXELS, 16 * width * height), (image) =>
    image.resize(width, height, { fit: input.fit }),
  )
}

/**
 * Decodes an image that has exactly that size; what its header says is looked at before anything is decoded.
 * Returns `[H,W,C] uint8`. Throws BAD_PAYLOAD.
 */
export function decodeExactly(
  bytes: Uint8Array,
  codec: ImageCodec,
  [channels, height, width]: readonly [number, number, number],
): Promise<Uint8Array> {
  return decode(bytes, codec, channels, width * height, (image, found) => {
    if (found.width === width && found.height === height) return image
    throw wireError('BAD_PAYLOAD', `The image is ${found.width}x${found.height}, not ${width}x${height}`)
  })
}

async function decode(
  bytes: Uint8Array,
  codec: ImageCodec,
  channels: number | undefined,
  limitInputPixels: number,
  fitted: (image: Sharp, found: Metadata) => Sharp,
): Promise<Uint8Array> {
  try {
    const image = sharp(codec === 'png' ? pngWithoutTexts(bytes) : bytes, {
      limitInputPixels,
      failOn: 'error',
    })
    const found = await image.metadata()
    if (found.format !== codec) {
      throw wireError('BAD_PAYLOAD', `The image is ${found.format}, the mode takes ${codec}`)
    }
    const { data, info } = await fitted(image, found)
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true })
    if (info.channels !== channels) {
      throw wireError('BAD_PAYLOAD', `The image has ${info.channels} channels, the model takes ${channels}`)
    }
    return data
  } catch (error) {
    if (error instanceof IsthmusError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw wireError('BAD_PAYLOAD', `The image cannot be decoded: ${reason}`, error)
  }
}
