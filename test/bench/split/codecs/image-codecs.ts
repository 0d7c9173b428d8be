import type { RgbImage } from '@isthmus/models/data'
import sharp, { type Sharp } from 'sharp'
import { type StrippedBytes, strippedAvif, strippedJpeg, strippedWebp } from './stripped-bytes.ts'

/** One way of using an image codec: everything but the quality. */
export interface CodecSetting {
  /** As in `jpeg-420`. */
  readonly name: string
  readonly family: 'jpeg' | 'webp' | 'avif'
  /** What was asked of the encoder, in words. */
  readonly about: string
  readonly qualities: readonly number[]
  readonly encode: (image: Sharp, quality: number) => Sharp
  readonly stripped: StrippedBytes
}

const jpeg = (
  name: string,
  about: string,
  qualities: readonly number[],
  options: Parameters<Sharp['jpeg']>[0],
): CodecSetting => ({
  name: `jpeg-${name}`,
  family: 'jpeg',
  about,
  qualities,
  encode: (image, quality) => image.jpeg({ quality, ...options }),
  stripped: strippedJpeg,
})

/** JPEG as most people write it: stripped of its headers, a decoder can still read it. */
export const standardJpeg = (qualities: readonly number[]): CodecSetting =>
  jpeg('standard', '4:2:0, the Huffman tables that every decoder knows', qualities, {
    chromaSubsampling: '4:2:0',
    optimiseCoding: false,
  })

/** JPEG at its best: Huffman tables made for each image, and mozjpeg's search (progressive, trellis); with and without halved colour. */
export const jpegSettings = (qualities: readonly number[]): CodecSetting[] => [
  jpeg('420', '4:2:0, Huffman tables optimised', qualities, { chromaSubsampling: '4:2:0' }),
  jpeg('444', '4:4:4, Huffman tables optimised', qualities, { chromaSubsampling: '4:4:4' }),
  jpeg('moz-420', '4:2:0, mozjpeg', qualities, { chromaSubsampling: '4:2:0', mozjpeg: true }),
  jpeg('moz-444', '4:4:4, mozjpeg', qualities, { chromaSubsampling: '4:4:4', mozjpeg: true }),
]

/** WebP at its greatest effort, with plain and with careful halving of colour. */
export const webpSettings = (qualities: readonly number[]): CodecSetting[] =>
  [false, true].map((smartSubsample) => ({
    name: smartSubsample ? 'webp-smart' : 'webp',
    family: 'webp',
    about: `effort 6${smartSubsample ? ', smart subsampling' : ''}`,
    qualities,
    encode: (image, quality) => image.webp({ quality, effort: 6, smartSubsample }),
    stripped: strippedWebp,
  }))

/** AVIF. `effort` 2 is within 2 % of the bytes of 4 at 32 × 32, and four times as fast. */
export const avifSettings = (qualities: readonly number[], effort: number): CodecSetting[] =>
  (['4:2:0', '4:4:4'] as const).map((chromaSubsampling) => ({
    name: `avif-${chromaSubsampling.replaceAll(':', '')}`,
    family: 'avif',
    about: `${chromaSubsampling}, effort ${effort}`,
    qualities,
    encode: (image, quality) => image.avif({ quality, effort, chromaSubsampling }),
    stripped: strippedAvif,
  }))

/** WebP without loss: what the same pixels, and so the teacher's own accuracy, cost. */
export const losslessWebp: CodecSetting = {
  name: 'webp-lossless',
  family: 'webp',
  about: 'lossless, effort 6',
  qualities: [100],
  encode: (image) => image.webp({ lossless: true, effort: 6 }),
  stripped: strippedWebp,
}

export interface Coded {
  readonly bytes: number
  readonly strippedBytes: number
  /** What a decoder makes of it: as many pixels as before. */
  readonly decoded: RgbImage
}

/** A picture through a codec and back. */
export async function throughCodec(
  { pixels, width, height }: RgbImage,
  { encode, stripped }: CodecSetting,
  quality: number,
): Promise<Coded> {
  const file = await encode(sharp(pixels, { raw: { width, height, channels: 3 } }), quality).toBuffer()
  const { data, info } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true })
  if (info.width !== width || info.height !== height || info.channels !== 3) {
    throw new Error(`${width}×${height} pixels came back as ${info.width}×${info.height}.`)
  }
  return { bytes: file.length, strippedBytes: stripped(file), decoded: { pixels: data, width, height } }
}
