import { deviceError } from './errors.ts'
import { type EncodedFrame, type InputShape, isRgb, type RgbFrame } from './frame.ts'
import type { ImageCoding, ImageWork } from './images.ts'

type Pixels = Uint8Array | Uint8ClampedArray

/** Images through a canvas that is not on the page. */
export class CanvasImages implements ImageWork {
  async toRgb(frame: RgbFrame | EncodedFrame, shape: InputShape): Promise<Pixels> {
    const { width, height, fit } = shape
    if (isRgb(frame) && frame.width === width && frame.height === height) return frame.data
    const image = await bitmapOf(frame)
    const context = contextOf(width, height)
    // `cover` keeps the proportions and cuts off what is too much; `fill` stretches.
    const scale = Math.max(width / image.width, height / image.height)
    const cutWidth = fit === 'cover' ? width / scale : image.width
    const cutHeight = fit === 'cover' ? height / scale : image.height
    const left = (image.width - cutWidth) / 2
    const top = (image.height - cutHeight) / 2
    context.imageSmoothingQuality = 'high'
    context.drawImage(image, left, top, cutWidth, cutHeight, 0, 0, width, height)
    image.close()
    return withoutAlpha(context.getImageData(0, 0, width, height).data)
  }

  async encode(rgb: Pixels, shape: InputShape, { codec, quality }: ImageCoding): Promise<Uint8Array> {
    if (codec === 'raw') return new Uint8Array(rgb.buffer, rgb.byteOffset, rgb.length)
    const context = contextOf(shape.width, shape.height)
    context.putImageData(withAlpha(rgb, shape.width, shape.height), 0, 0)
    const type = `image/${codec}`
    const settings = quality === undefined ? { type } : { type, quality: quality / 100 }
    const blob = await context.canvas.convertToBlob(settings)
    if (blob.type !== type) throw deviceError('IMAGES_UNAVAILABLE', `This browser does not write ${codec}.`)
    return new Uint8Array(await blob.arrayBuffer())
  }
}

function contextOf(width: number, height: number): OffscreenCanvasRenderingContext2D {
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })
  if (!context) throw deviceError('IMAGES_UNAVAILABLE', 'This browser gives no canvas.')
  return context
}

async function bitmapOf(frame: RgbFrame | EncodedFrame): Promise<ImageBitmap> {
  try {
    const source = isRgb(frame)
      ? withAlpha(frame.data, frame.width, frame.height)
      : new Blob([new Uint8Array(frame.data)])
    return await createImageBitmap(source)
  } catch (error) {
    throw deviceError('BAD_FRAME', `The image cannot be read: ${(error as Error).message}.`, error)
  }
}

function withAlpha(rgb: Pixels, width: number, height: number): ImageData {
  const image = new ImageData(width, height)
  for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) {
    image.data[to] = rgb[from]!
    image.data[to + 1] = rgb[from + 1]!
    image.data[to + 2] = rgb[from + 2]!
    image.data[to + 3] = 255
  }
  return image
}

function withoutAlpha(rgba: Uint8ClampedArray): Uint8ClampedArray {
  const rgb = new Uint8ClampedArray((rgba.length / 4) * 3)
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    rgb[to] = rgba[from]!
    rgb[to + 1] = rgba[from + 1]!
    rgb[to + 2] = rgba[from + 2]!
  }
  return rgb
}
