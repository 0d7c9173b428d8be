import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import type { Family } from './family.ts'
import { codecOf, type Picture } from './picture.ts'
import { readUploads } from './read-uploads.ts'

const dims: Family['imageDims'] = [3, 20, 30]
const area = 20 * 30
/** A slope of red, of green, and no blue. */
const interleaved = Uint8Array.from({ length: 3 * area }, (_, at) => {
  const pixel = Math.floor(at / 3)
  return [8 * (pixel % 30), 12 * Math.floor(pixel / 30), 0][at % 3]!
})
const image = (width = 30, height = 20) =>
  sharp(interleaved, { raw: { width: 30, height: 20, channels: 3 } }).resize(width, height)
const read = async (...pictures: Picture[]) =>
  (
    await readUploads(
      pictures.map((pixels) => ({ device: 'cam', pixels })),
      dims,
    )
  ).map((one) => one?.pixels)

describe('a picture of an upload', () => {
  it.each(['jpeg', 'png', 'webp'] as const)('is read when it is coded as %s', async (codec) => {
    const bytes = await image().toFormat(codec).toBuffer()
    expect(codecOf(bytes)).toBe(codec)
    const [planes] = await read({ codec, bytes })
    expect(planes).toHaveLength(3 * area)
    const plane = (channel: number) => [...planes!.subarray(channel * area, (channel + 1) * area)]
    const worst = Math.max(
      ...plane(0).map((value, at) => Math.abs(value - interleaved[3 * at]!)),
      ...plane(1).map((value, at) => Math.abs(value - interleaved[3 * at + 1]!)),
      ...plane(2),
    )
    expect(worst).toBeLessThan(codec === 'png' ? 1 : 40)
  })

  it('is what it was when it came as pixels', async () => {
    const planes = new Uint8Array(3 * area).fill(7)
    expect((await read(planes))[0]).toBe(planes)
  })

  it('is left out when it is damaged, of another size or another code, and those beside it are not', async () => {
    const good = await image().png().toBuffer()
    const turned = await image(20, 30).png().toBuffer()
    const larger = await image(31, 20).jpeg().toBuffer()
    // A few bytes that would take 48 MB.
    const vast = await sharp({ create: { width: 4000, height: 4000, channels: 3, background: 'red' } })
      .png()
      .toBuffer()
    const planes = await read(
      { codec: 'png', bytes: good },
      { codec: 'png', bytes: good.subarray(0, good.length / 2) },
      { codec: 'png', bytes: turned },
      { codec: 'jpeg', bytes: larger },
      { codec: 'jpeg', bytes: good },
      { codec: 'png', bytes: vast },
      { codec: 'png', bytes: good },
    )
    expect(planes.map((one) => one?.length)).toEqual([3 * area, ...Array(5).fill(undefined), 3 * area])
  })

  it('is none of these when its first bytes are those of something else', () => {
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="30" height="20"/>')
    for (const bytes of [svg, Buffer.from('GIF89a'), Buffer.from('RIFF1234WAVE'), new Uint8Array(0)])
      expect(codecOf(bytes)).toBeUndefined()
  })
})
