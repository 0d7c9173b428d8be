import { seededRandom } from '@isthmus/models/data'
import sharp, { type Sharp } from 'sharp'
import { describe, expect, it } from 'vitest'
import {
  avifSettings,
  jpegSettings,
  losslessWebp,
  standardJpeg,
  throughCodec,
  webpSettings,
} from './image-codecs.ts'
import { strippedAvif, strippedJpeg, strippedWebp } from './stripped-bytes.ts'

/** A picture with some structure: a gradient, and noise on it. */
function picture(size: number) {
  const random = seededRandom(size)
  const pixels = Uint8Array.from({ length: 3 * size * size }, (_, at) => {
    const [x, y] = [Math.floor(at / 3) % size, Math.floor(at / 3 / size)]
    return Math.max(0, Math.min(255, (200 * x) / size + (50 * y) / size + 6 * random.normal()))
  })
  return { pixels, width: size, height: size }
}

const settings = [
  standardJpeg([80]),
  ...jpegSettings([80]),
  ...webpSettings([80]),
  ...avifSettings([80], 2),
  losslessWebp,
]

describe.each(settings)('$name', (setting) => {
  it.each([8, 32, 70])(
    'gives %i pixels back nearly as they were, and less than its file when stripped',
    async (size) => {
      const image = picture(size)
      const { bytes, strippedBytes, decoded } = await throughCodec(image, setting, 80)
      const error = image.pixels.reduce((sum, value, at) => sum + Math.abs(value - decoded.pixels[at]!), 0)
      expect(error / image.pixels.length).toBeLessThan(setting === losslessWebp ? 1e-9 : 8)
      expect(strippedBytes).toBeGreaterThan(0)
      expect(strippedBytes).toBeLessThan(bytes)
    },
  )
})

describe('stripping', () => {
  const file = async (make: (image: Sharp) => Sharp) => {
    const { pixels, width, height } = picture(64)
    return make(sharp(pixels, { raw: { width, height, channels: 3 } })).toBuffer()
  }

  it('takes from a JPEG exactly what is written between its scan header and the next marker', async () => {
    const jpeg = await file((image) => image.jpeg({ quality: 60, progressive: false }))
    const scan = jpeg.lastIndexOf(Buffer.of(0xff, 0xda))
    expect(strippedJpeg(jpeg)).toBe(jpeg.length - 2 - (scan + 2 + jpeg.readUInt16BE(scan + 2)))
  })

  it('counts every scan of a progressive JPEG, and none of its tables', async () => {
    const plain = strippedJpeg(await file((image) => image.jpeg({ quality: 60 })))
    const progressive = strippedJpeg(await file((image) => image.jpeg({ quality: 60, progressive: true })))
    expect(progressive / plain).toBeGreaterThan(0.7)
    expect(progressive / plain).toBeLessThan(1.3)
  })

  it('takes the container from WebP and AVIF', async () => {
    const webp = await file((image) => image.webp({ quality: 60 }))
    expect(webp.length - strippedWebp(webp)).toBeLessThanOrEqual(28)
    expect(webp.length - strippedWebp(webp)).toBeGreaterThanOrEqual(27)
    const avif = await file((image) => image.avif({ quality: 60 }))
    const payload = avif.indexOf('mdat') + 4
    expect(avif.length - payload - strippedAvif(avif)).toBeGreaterThanOrEqual(0)
    expect(avif.length - payload - strippedAvif(avif)).toBeLessThan(20)
  })

  it('refuses what is no such file', async () => {
    const png = await file((image) => image.png())
    for (const strip of [strippedJpeg, strippedWebp, strippedAvif]) expect(() => strip(png)).toThrow()
  })
})
