import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32, deflateSync } from 'node:zlib'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeImage, type ImageInput, toTensor } from './image-files.ts'

const red = [255, 0, 0]
const blue = [0, 0, 255]

/** 4×2: left half red, right half blue. */
const halves = Uint8Array.from([red, red, blue, blue, red, red, blue, blue].flat())
const encode = (pixels: Uint8Array, width: number, height: number, channels: 1 | 3 | 4 = 3) =>
  sharp(pixels, { raw: { width, height, channels } })

const failure = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) })

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-images-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('decode image', () => {
  it('gives the pixels of a lossless image back, from bytes and from a path', async () => {
    const png = await encode(halves, 4, 2).png().toBuffer()
    const path = join(folder, 'halves.png')
    await writeFile(path, png)
    for (const source of [png, path]) {
      expect(await decodeImage(source)).toEqual({ pixels: halves, width: 4, height: 2 })
    }
  })

  it('makes RGB of grey, transparent and 16-bit images', async () => {
    const grey = await encode(Uint8Array.of(10, 200), 2, 1, 1).toColourspace('b-w').png().toBuffer()
    expect([...(await decodeImage(grey)).pixels]).toEqual([10, 10, 10, 200, 200, 200])
    const clear = await encode(Uint8Array.of(1, 2, 3, 0, 4, 5, 6, 255), 2, 1, 4)
      .png()
      .toBuffer()
    expect([...(await decodeImage(clear)).pixels]).toEqual([1, 2, 3, 4, 5, 6])
    const deep = await encode(halves, 4, 2).toColourspace('rgb16').png().toBuffer()
    expect((await sharp(deep).metadata()).depth).toBe('ushort')
    expect((await decodeImage(deep)).pixels).toEqual(halves)
  })

  it.each(['jpeg', 'webp', 'gif', 'tiff', 'avif'] as const)('reads %s', async (format) => {
    const flat = Uint8Array.from({ length: 32 * 32 * 3 }, (_, k) => [200, 100, 50][k % 3]!)
    const { pixels, width, height } = await decodeImage(
      await encode(flat, 32, 32).toFormat(format).toBuffer(),
    )
    expect([width, height, pixels.length]).toEqual([32, 32, flat.length])
    for (const [k, value] of [200, 100, 50].entries()) expect(Math.abs(pixels[k]! - value)).toBeLessThan(8)
  })

  it('turns a photo upright by its EXIF orientation, also before it crops', async () => {
    const turned = await encode(halves, 4, 2).withMetadata({ orientation: 6 }).png().toBuffer()
    const upright = await decodeImage(turned)
    expect([upright.width, upright.height]).toEqual([2, 4])
    expect([...upright.pixels.subarray(0, 6)]).toEqual([red, red].flat())
    const cropped = await decodeImage(turned, { width: 2, height: 2, fit: 'cover' })
    expect([...cropped.pixels]).toEqual([red, red, blue, blue].flat())
  })

  it('cuts the middle out with cover, and keeps all of the image with fill', async () => {
    const row = [red, red, blue, blue, blue, blue, red, red]
    const png = await encode(Uint8Array.from([row, row].flat(2)), 8, 2)
      .png()
      .toBuffer()
    const cover = await decodeImage(png, { width: 2, height: 2, fit: 'cover' })
    expect([...cover.pixels]).toEqual([blue, blue, blue, blue].flat())
    const fill = await decodeImage(png, { width: 2, height: 2, fit: 'fill' })
    expect([fill.width, fill.height]).toEqual([2, 2])
    for (const channel of [0, 2, 3, 5]) expect(Math.abs(fill.pixels[channel]! - 128)).toBeLessThan(40)
  })

  it('names the file that is missing, empty, cut short or no image', async () => {
    const noise = Uint8Array.from({ length: 64 * 64 * 3 }, (_, k) => (k * 7919) % 251)
    const jpeg = await encode(noise, 64, 64).jpeg().toBuffer()
    const files: Record<string, Uint8Array> = {
      'empty.jpg': new Uint8Array(0),
      'text.jpg': Buffer.from('not an image'),
      'cut.jpg': jpeg.subarray(0, jpeg.length >> 1),
      'drawing.jpg': Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
    }
    for (const [name, bytes] of Object.entries(files)) {
      const path = join(folder, name)
      await writeFile(path, bytes)
      await expect(decodeImage(path), name).rejects.toEqual(failure('BAD_IMAGE', new RegExp(name)))
      await expect(decodeImage(bytes), name).rejects.toEqual(failure('BAD_IMAGE', /image of \d+ bytes/))
    }
    await expect(decodeImage(join(folder, 'absent.jpg'))).rejects.toEqual(failure('BAD_IMAGE', /absent\.jpg/))
    await expect(decodeImage(folder)).rejects.toEqual(failure('BAD_IMAGE', /isthmus-images/))
  })

  it('refuses an image that declares a huge size in a few bytes', async () => {
    const bomb = pngThatDeclares(60_000, 60_000)
    await expect(decodeImage(bomb)).rejects.toEqual(failure('IMAGE_TOO_LARGE', /50000000 pixels/))
    const png = await encode(halves, 4, 2).png().toBuffer()
    await expect(decodeImage(png, { maxPixels: 7 })).rejects.toEqual(failure('IMAGE_TOO_LARGE', /7 pixels/))
  })

  it('refuses half a size and sizes out of range', async () => {
    const png = await encode(halves, 4, 2).png().toBuffer()
    const bad = failure('BAD_OPTION', /./)
    await expect(decodeImage(png, { width: 3 })).rejects.toEqual(bad)
    for (const width of [0, -1, 1.5, 1e6]) {
      await expect(decodeImage(png, { width, height: 2 })).rejects.toEqual(bad)
    }
  })
})

describe('image to tensor', () => {
  const input: ImageInput = {
    dims: [3, 2, 4],
    layout: 'NCHW',
    mean: [0.5, 0, 0.25],
    std: [0.5, 1, 0.25],
    fit: 'cover',
  }

  it('normalises per channel, planes first or channels last', async () => {
    const image = { pixels: halves, width: 4, height: 2 }
    const planar = await toTensor(image, input)
    const row = (r: number, b: number) => [r, r, b, b]
    const close = (values: number[]) => values.map((value) => expect.closeTo(value, 5))
    expect([...planar]).toEqual(
      close([row(1, -1), row(1, -1), row(0, 0), row(0, 0), row(-1, 3), row(-1, 3)].flat()),
    )
    const interleaved = await toTensor(image, { ...input, dims: [2, 4, 3], layout: 'NHWC' })
    for (let pixel = 0; pixel < 8; pixel++) {
      for (let channel = 0; channel < 3; channel++) {
        expect(interleaved[3 * pixel + channel]).toBe(planar[8 * channel + pixel])
      }
    }
  })

  it('is the same from decoded pixels and from a file, resized or not', async () => {
    const png = await encode(halves, 4, 2).png().toBuffer()
    for (const dims of [
      [3, 2, 4],
      [3, 5, 3],
    ] as const) {
      const fromFile = await toTensor(png, { ...input, dims })
      const fromPixels = await toTensor({ pixels: halves, width: 4, height: 2 }, { ...input, dims })
      expect(fromFile).toEqual(fromPixels)
      expect(fromFile.length).toBe(3 * dims[1] * dims[2])
    }
  })

  it('writes into a given buffer', async () => {
    const out = new Float32Array(30).fill(9)
    const image = { pixels: halves, width: 4, height: 2 }
    expect(await toTensor(image, input, out)).toBe(out)
    expect(out.subarray(0, 24)).toEqual(await toTensor(image, input))
    expect(out[24]).toBe(9)
    await expect(toTensor(image, input, new Float32Array(23))).rejects.toEqual(failure('BAD_OPTION', /24/))
  })

  it('refuses pixels that are not as many as declared, and inputs that are no photo', async () => {
    await expect(toTensor({ pixels: halves, width: 4, height: 3 }, input)).rejects.toEqual(
      failure('BAD_IMAGE', /4×3/),
    )
    const image = { pixels: halves, width: 4, height: 2 }
    for (const wrong of [{ dims: [1, 2, 4] }, { std: [1, 0, 1] }, { mean: [0] }, { dims: [3, 0, 4] }]) {
      await expect(toTensor(image, { ...input, ...wrong } as ImageInput)).rejects.toEqual(
        failure('BAD_OPTION', /./),
      )
    }
  })
})

/** A well-formed PNG of a few bytes whose header declares any size. */
function pngThatDeclares(width: number, height: number): Uint8Array {
  const chunk = (type: string, data: Uint8Array): Buffer => {
    const body = Buffer.concat([Buffer.from(type), data])
    const frame = Buffer.alloc(8)
    frame.writeUInt32BE(data.length, 0)
    frame.writeUInt32BE(crc32(body), 4)
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)])
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(new Uint8Array(100))),
    chunk('IEND', new Uint8Array(0)),
  ])
}
