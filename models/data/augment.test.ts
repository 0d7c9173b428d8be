import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type BatchOptions, batchFiller } from './augment.ts'
import { type LabelledImages, sliceImages } from './labelled-images.ts'
import { seededRandom } from './random.ts'

const plain = { mean: [0, 0, 0], std: [1, 1, 1] }
const bad = expect.objectContaining({ code: 'BAD_OPTION' })

function randomImages(count: number, height: number, width: number, seed = 1): LabelledImages {
  const random = seededRandom(seed)
  return {
    count,
    channels: 3,
    height,
    width,
    pixels: Uint8Array.from({ length: count * 3 * height * width }, () => random.below(256)),
    labels: new Uint8Array(count),
  }
}

/** Each image of the batch as its pixel values 0 … 255. */
function batch(images: LabelledImages, options: Partial<BatchOptions>, epoch: number, indices: number[]) {
  const size = 3 * images.height * images.width
  const out = new Float32Array(indices.length * size)
  batchFiller(images, { ...plain, ...options })(indices, epoch, out)
  return indices.map((_, i) =>
    Array.from(out.subarray(i * size, (i + 1) * size), (value) => Math.round(value * 255)),
  )
}

const original = (images: LabelledImages, index: number): number[] => [
  ...sliceImages(images, index, index + 1).pixels,
]

/** The slow, obvious way: pad by reflection, crop, mirror. */
function reference(
  images: LabelledImages,
  index: number,
  top: number,
  left: number,
  pad: number,
  mirror: boolean,
) {
  const { height, width } = images
  const reflect = (k: number, size: number) => (k < 0 ? -k : k >= size ? 2 * size - 2 - k : k)
  const source = original(images, index)
  const out: number[] = []
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const column = reflect(left + (mirror ? width - 1 - x : x) - pad, width)
        out.push(source[(c * height + reflect(top + y - pad, height)) * width + column]!)
      }
    }
  }
  return out
}

describe('batch filler', () => {
  it('normalises with mean and standard deviation of each channel', () => {
    const images = randomImages(3, 4, 5)
    const mean = [0.1, 0.2, 0.3]
    const std = [0.5, 0.25, 2]
    const out = new Float32Array(2 * 60)
    batchFiller(images, { mean, std })([2, 0], 0, out)
    for (const [position, index] of [2, 0].entries()) {
      original(images, index).forEach((pixel, k) => {
        const channel = Math.floor(k / 20)
        expect(out[position * 60 + k]).toBeCloseTo((pixel / 255 - mean[channel]!) / std[channel]!, 5)
      })
    }
  })

  it('makes only crops of the reflected image, mirrored or not, and in time all of them', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 4, max: 7 }),
        fc.integer({ min: 4, max: 7 }),
        fc.integer({ min: 0, max: 2 }),
        fc.integer(),
        (height, width, padPx, seed) => {
          const images = randomImages(2, height, width, seed)
          const possible = new Set<string>()
          for (let top = 0; top <= 2 * padPx; top++) {
            for (let left = 0; left <= 2 * padPx; left++) {
              for (const mirror of [false, true]) {
                possible.add(reference(images, 1, top, left, padPx, mirror).join())
              }
            }
          }
          const seen = new Set<string>()
          for (let epoch = 0; epoch < 700; epoch++) {
            seen.add(batch(images, { flip: 'random', padPx, seed }, epoch, [1])[0]!.join())
          }
          expect(seen).toEqual(possible)
        },
      ),
      { numRuns: 8 },
    )
  })

  it('shows both sides of every image in each two epochs when alternating, half of them mirrored first', () => {
    const images = randomImages(400, 2, 3)
    const indices = Array.from({ length: 400 }, (_, k) => k)
    const epochs = [0, 1, 2, 3].map((epoch) =>
      batch(images, { flip: 'alternating', seed: 9 }, epoch, indices),
    )
    let mirroredFirst = 0
    for (const index of indices) {
      const upright = original(images, index)
      const mirrored = reference(images, index, 0, 0, 0, true)
      const sides = epochs.map((epoch) => epoch[index]!.join() === upright.join())
      for (const [k, epoch] of epochs.entries()) {
        expect(epoch[index]).toEqual(sides[k] ? upright : mirrored)
        if (k > 0) expect(sides[k]).toBe(!sides[k - 1])
      }
      if (!sides[0]) mirroredFirst++
    }
    expect(Math.abs(mirroredFirst - 200)).toBeLessThan(50) // 5 σ
  })

  it('augments an image alike in whatever batch it stands, and differently with another seed', () => {
    const images = randomImages(50, 6, 6)
    const options = { flip: 'random', padPx: 2, seed: 4 } as const
    const all = batch(
      images,
      options,
      3,
      Array.from({ length: 50 }, (_, k) => k),
    )
    expect(batch(images, options, 3, [17, 17, 5])).toEqual([all[17], all[17], all[5]])
    const other = batch(
      images,
      { ...options, seed: 5 },
      3,
      Array.from({ length: 50 }, (_, k) => k),
    )
    expect(other.filter((image, k) => image.join() === all[k]!.join()).length).toBeLessThan(10)
  })

  it('leaves the rest of the batch buffer alone', () => {
    const images = randomImages(2, 4, 4)
    const out = new Float32Array(3 * 48).fill(-7)
    batchFiller(images, plain)([1], 0, out)
    expect(out.subarray(48).every((value) => value === -7)).toBe(true)
  })

  it('refuses what does not fit', () => {
    const images = randomImages(2, 4, 4)
    const fill = batchFiller(images, plain)
    expect(() => fill([0, 1], 0, new Float32Array(95))).toThrow(bad)
    for (const index of [2, -1, 0.5, Number.NaN]) {
      expect(() => fill([index], 0, new Float32Array(48)), String(index)).toThrow(bad)
    }
    expect(() => batchFiller(images, { ...plain, padPx: 4 })).toThrow(bad)
    expect(() => batchFiller(images, { ...plain, padPx: -1 })).toThrow(bad)
    expect(() => batchFiller(images, { ...plain, std: [1, 0, 1] })).toThrow(bad)
    expect(() => batchFiller(images, { ...plain, mean: [0] })).toThrow(bad)
    expect(() => batchFiller({ ...images, count: 3 }, plain)).toThrow(bad)
  })
})

describe('slice of images', () => {
  it('is a view of the same memory, kept within the images there are', () => {
    const images = randomImages(5, 2, 2)
    const middle = sliceImages(images, 1, 3)
    expect(middle.count).toBe(2)
    expect(middle.pixels.buffer).toBe(images.pixels.buffer)
    expect(original(middle, 0)).toEqual(original(images, 1))
    expect(sliceImages(images, 4, 99).count).toBe(1)
    expect(sliceImages(images, 9, 12).count).toBe(0)
  })
})
