import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../random.ts'
import { jpegCompression } from './jpeg.ts'
import { meanSquare, naturalImages } from './natural-images.test.fixture.ts'

/** There and back through a JPEG file, by libjpeg-turbo. */
async function throughFile(pixels: Uint8Array, height: number, width: number, quality: number) {
  const area = height * width
  const packed = Uint8Array.from({ length: 3 * area }, (_, k) => pixels[(k % 3) * area + Math.floor(k / 3)]!)
  const file = await sharp(packed, { raw: { width, height, channels: 3 } })
    .jpeg({ quality, chromaSubsampling: '4:2:0' })
    .toBuffer()
  const decoded = await sharp(file).raw().toBuffer()
  return Uint8Array.from({ length: 3 * area }, (_, k) => decoded[3 * (k % area) + Math.floor(k / area)]!)
}

describe('jpeg_compression', () => {
  it.each([
    [32, 32, 80],
    [32, 32, 40],
    [64, 48, 25],
    [64, 48, 7],
    [37, 21, 50],
    [5, 3, 50],
  ])('does to %i×%i pixels at quality %i what a file does', async (height, width, quality) => {
    const { pixels } = naturalImages(1, height, width, quality)
    const out = new Uint8Array(pixels.length)
    jpegCompression(quality, { height, width })(pixels, out, seededRandom(1))
    const expected = await throughFile(pixels, height, width, quality)
    // Coefficients near the middle of two steps may fall either way: libjpeg's cosine transform rounds.
    expect(meanSquare(out, expected)).toBeLessThan(0.1 * meanSquare(pixels, expected) + 0.2)
  })
})
