import type { Manifest } from '@isthmus/models/bundle'
import { IsthmusError, wireError } from '@isthmus/proto'
import sharp from 'sharp'
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

/**
 * Decodes a PNG, JPEG or WebP image and fits it into the model's height and width.
 * Returns `[H,W,C] uint8`. Throws BAD_PAYLOAD.
 */
export async function decodeImage(
  bytes: Uint8Array,
  codec: 'png' | 'jpeg' | 'webp',
  input: Input,
): Promise<Uint8Array> {
  const { channels, height, width } = sizeOf(input)
  try {
    const image = sharp(codec === 'png' ? pngWithoutTexts(bytes) : bytes, {
      limitInputPixels: Math.max(MAX_PIXELS, 16 * width * height),
      failOn: 'error',
    })
    const { format } = await image.metadata()
    if (format !== codec) throw wireError('BAD_PAYLOAD', `The image is ${format}, the mode takes ${codec}`)
    const { data, info } = await image
      .resize(width, height, { fit: input.fit })
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
