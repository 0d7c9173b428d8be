import type { Sharp } from 'sharp'
import { deviceError } from './errors.ts'
import { type EncodedFrame, type InputShape, isRgb, type RgbFrame } from './frame.ts'
import type { ImageCoding, ImageWork } from './images.ts'

type SharpModule = typeof import('sharp')
type Pixels = Uint8Array | Uint8ClampedArray

/** An image that claims more pixels than this is refused before it is decoded. */
const MAX_PIXELS = 64_000_000

/** Images through sharp, which is loaded only when a frame needs it. */
export class SharpImages implements ImageWork {
  #loading: Promise<SharpModule['default']> | undefined

  async toRgb(frame: RgbFrame | EncodedFrame, shape: InputShape): Promise<Pixels> {
    const { width, height, fit } = shape
    if (isRgb(frame) && frame.width === width && frame.height === height) return frame.data
    const sharp = await this.#sharp()
    const image = isRgb(frame)
      ? sharp(frame.data, { raw: { width: frame.width, height: frame.height, channels: 3 } })
      : sharp(frame.data, { limitInputPixels: MAX_PIXELS }).autoOrient()
    try {
      return await image.resize(width, height, { fit }).removeAlpha().toColourspace('srgb').raw().toBuffer()
    } catch (error) {
      throw deviceError('BAD_FRAME', `The image cannot be read: ${(error as Error).message}.`, error)
    }
  }

  async encode(
    rgb: Pixels,
    { width, height }: InputShape,
    { codec, quality }: ImageCoding,
  ): Promise<Uint8Array> {
    if (codec === 'raw') return new Uint8Array(rgb.buffer, rgb.byteOffset, rgb.length)
    const sharp = await this.#sharp()
    const image: Sharp = sharp(rgb, { raw: { width, height, channels: 3 } })
    const settings = quality === undefined ? {} : { quality }
    if (codec === 'png') return image.png().toBuffer()
    return codec === 'jpeg' ? image.jpeg(settings).toBuffer() : image.webp(settings).toBuffer()
  }

  #sharp(): Promise<SharpModule['default']> {
    this.#loading ??= import('sharp').then(
      (module) => module.default,
      (error) => {
        this.#loading = undefined
        throw deviceError('IMAGES_UNAVAILABLE', 'sharp cannot be loaded.', error)
      },
    )
    return this.#loading
  }
}
