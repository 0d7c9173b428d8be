import { describe, expect, it } from 'vitest'
import type { LabelledImages } from '../data/index.ts'
import { imageBatches, stepsPerEpoch } from './image-batches.ts'

/** Ten grey images: image i has the value 10·i everywhere and the label i mod 3. */
const images: LabelledImages = {
  count: 10,
  channels: 3,
  height: 4,
  width: 4,
  pixels: Uint8Array.from({ length: 10 * 48 }, (_, at) => 10 * Math.floor(at / 48)),
  labels: Uint8Array.from({ length: 10 }, (_, image) => image % 3),
}
const plain = { mean: [0, 0, 0], std: [1, 1, 1], batch: 4, classes: 3, seed: 5 }
const imageOf = (pixels: ArrayLike<number>, row: number) => Math.round((pixels[row * 48]! * 255) / 10)

describe('imageBatches', () => {
  it('shows each image at most once an epoch, in another order each epoch', () => {
    const batches = imageBatches(images, plain)
    const epoch = (number: number) =>
      Array.from({ length: stepsPerEpoch(images, 4) }, (_, step) => {
        const { data } = batches(number * stepsPerEpoch(images, 4) + step).images
        return [0, 1, 2, 3].map((row) => imageOf(data as Float32Array, row))
      }).flat()
    const [first, second] = [epoch(0), epoch(1)]
    expect(new Set(first).size).toBe(8)
    expect(second).not.toEqual(first)
  })

  it('gives a step the same data whenever it is asked for', () => {
    const asked = imageBatches(images, { ...plain, flip: 'random', padPx: 1 })
    const inOrder = Array.from({ length: 6 }, (_, step) =>
      Array.from(asked(step).images.data as Float32Array),
    )
    expect(
      Array.from(imageBatches(images, { ...plain, flip: 'random', padPx: 1 })(5).images.data as Float32Array),
    ).toEqual(inOrder[5])
  })

  it('spreads a smoothed label over the classes', () => {
    const { images: pixels, targets } = imageBatches(images, { ...plain, labelSmoothing: 0.3 })(0)
    const label = imageOf(pixels.data as Float32Array, 0) % 3
    const row = Array.from((targets.data as Float32Array).subarray(0, 3))
    row.forEach((value, index) => {
      expect(value).toBeCloseTo(index === label ? 0.8 : 0.1)
    })
  })

  it("hands out a teacher's probabilities in place of labels", () => {
    const softLabels = Float32Array.from({ length: 30 }, (_, at) => at)
    const { images: pixels, targets } = imageBatches(images, { ...plain, softLabels })(0)
    const image = imageOf(pixels.data as Float32Array, 2)
    expect(Array.from((targets.data as Float32Array).subarray(6, 9))).toEqual(
      [0, 1, 2].map((label) => image * 3 + label),
    )
  })

  it('refuses what would train on nothing, or on the labels of other images', () => {
    const bad = (changes: object) =>
      expect(() => imageBatches(images, { ...plain, ...changes })).toThrow(
        expect.objectContaining({ code: 'BAD_OPTION' }),
      )
    bad({ batch: 11 })
    bad({ batch: 0 })
    bad({ classes: 2 })
    bad({ softLabels: new Float32Array(29) })
  })
})
