import { IsthmusError } from '@isthmus/proto'
import sharp from 'sharp'
import type { ImageCoding } from '../bundle/manifest.ts'
import { decodeImage, type ImageInput, type RgbImage, toTensor } from '../data/image-files.ts'

/** A photo as the network sees it. */
export interface Photo {
  readonly path: string
  /** Of the network's width and height. */
  readonly image: RgbImage
  /** `input.dims` float32, normalised. */
  readonly tensor: Float32Array
}

/** At most `limit` of `items`, evenly spread over them. */
export function evenly<T>(items: readonly T[], limit: number): T[] {
  if (items.length <= limit) return [...items]
  return Array.from({ length: limit }, (_, i) => items[Math.floor(((i + 0.5) * items.length) / limit)]!)
}

export function sizeOf({ dims, layout }: Pick<ImageInput, 'dims' | 'layout'>): {
  width: number
  height: number
} {
  return layout === 'NCHW' ? { width: dims[2], height: dims[1] } : { width: dims[1], height: dims[0] }
}

/** An image as it is sent: `raw` is its pixels. */
export async function encodeImage(image: RgbImage, { codec, quality }: ImageCoding): Promise<Uint8Array> {
  const { pixels, width, height } = image
  if (codec === 'raw') return pixels
  const raw = sharp(pixels, { raw: { width, height, channels: 3 } })
  return raw.toFormat(codec, quality === undefined ? {} : { quality }).toBuffer()
}

/** Which photos can be read, and what they take in each coding at the network's size. */
export interface Survey {
  readonly readable: readonly string[]
  readonly unreadable: readonly { readonly path: string; readonly reason: string }[]
  /** Mean bytes of a photo, for each coding. */
  readonly meanBytes: readonly number[]
}

/** Reads every photo once, so that the long work to come meets no broken file. */
export async function surveyPhotos(
  paths: readonly string[],
  input: ImageInput,
  codings: readonly ImageCoding[],
  onDone: (done: number) => void,
): Promise<Survey> {
  const readable: string[] = []
  const unreadable: { path: string; reason: string }[] = []
  const bytes = codings.map(() => 0)
  for (const [i, path] of paths.entries()) {
    try {
      const image = await decodeImage(path, { ...sizeOf(input), fit: input.fit })
      for (const [at, coding] of codings.entries()) bytes[at]! += (await encodeImage(image, coding)).length
      readable.push(path)
    } catch (error) {
      if (!(error instanceof IsthmusError)) throw error
      unreadable.push({ path, reason: error.message })
    }
    onDone(i + 1)
  }
  return { readable, unreadable, meanBytes: bytes.map((sum) => Math.round(sum / readable.length)) }
}

/** Photos one by one, prepared as a device does it. `onDone` gets how many are done. */
export async function* eachPhoto(
  paths: readonly string[],
  input: ImageInput,
  onDone: (done: number) => void,
): AsyncGenerator<Photo> {
  for (const [i, path] of paths.entries()) {
    const image = await decodeImage(path, { ...sizeOf(input), fit: input.fit })
    yield { path, image, tensor: await toTensor(image, input) }
    onDone(i + 1)
  }
}
