import { describe, expect, it } from 'vitest'
import { hasCifar10, loadCifar10 } from '../cifar10.ts'
import { type LabelledImages, sliceImages } from '../labelled-images.ts'
import { seededRandom } from '../random.ts'
import { corrupt, corruptImages } from './corrupt.ts'
import { meanSquare, naturalImages } from './natural-images.test.fixture.ts'
import { type Corruption, corruptionTypes, severities } from './types.ts'

const available = await hasCifar10()
const sets = ['cifar', 'imagenet'] as const

/**
 * Where a higher severity need not lie farther from the clean image, by the published constants themselves: saturate first
 * takes colour away, then adds it; glass blurs more but scatters as far; elastic trades a coarse movement for a fine one;
 * frost dims the image it brightens; motion at 3 and 4 has the same Gaussian;
 * spatter changes from water to mud at 4; ImageNet's snow at 3 has fewer but larger flakes than at 2, and its fog at 3 and 4 differs in grain alone.
 */
const notMonotone: Readonly<Record<(typeof sets)[number], readonly string[]>> = {
  cifar: ['saturate', 'glass_blur', 'elastic_transform', 'frost', 'motion_blur', 'spatter'],
  imagenet: ['saturate', 'glass_blur', 'elastic_transform', 'frost', 'snow', 'fog'],
}

const distortions = (
  images: LabelledImages,
  type: (typeof corruptionTypes)[number],
  set: (typeof sets)[number],
) =>
  severities.map((severity) =>
    meanSquare(corruptImages(images, { type, severity, set }, 3).pixels, images.pixels),
  )

describe.each(corruptionTypes)('%s', (type) => {
  it('changes pixels and nothing else, in both sets at every severity', () => {
    const images = naturalImages(2, 32, 32)
    const before = images.pixels.slice()
    for (const set of sets) {
      for (const severity of severities) {
        const damaged = corruptImages(images, { type, severity, set }, 1)
        expect(damaged).toMatchObject({ count: 2, channels: 3, height: 32, width: 32, labels: images.labels })
        expect(damaged.pixels).toBeInstanceOf(Uint8Array)
        expect(damaged.pixels.length).toBe(before.length)
        expect(meanSquare(damaged.pixels, before), `${set} ${severity}`).toBeGreaterThan(0)
      }
    }
    expect(images.pixels).toEqual(before)
  })

  it('gives an image the same damage alone and among others, and repeats it by its seed', () => {
    const images = naturalImages(4, 20, 24)
    const corruption = { type, severity: 3 } as const
    const all = corruptImages(images, corruption, 7)
    expect(corruptImages(images, corruption, 7).pixels).toEqual(all.pixels)
    const few = corruptImages(sliceImages(images, 0, 2), corruption, 7)
    expect(few.pixels).toEqual(sliceImages(all, 0, 2).pixels)
  })

  it('takes images of any size, one pixel too', () => {
    const sizes = [
      [1, 1],
      [1, 9],
      [9, 1],
      [2, 2],
      [3, 5],
      [7, 8],
      [17, 33],
    ] as const
    for (const [height, width] of sizes) {
      for (const set of sets) {
        for (const severity of severities) {
          const { pixels } = naturalImages(1, height, width)
          const damaged = corrupt({ pixels, height, width }, { type, severity, set }, seededRandom(1))
          expect(damaged.length).toBe(3 * height * width)
        }
      }
    }
  })

  it('takes a black and a white image', () => {
    for (const level of [0, 255]) {
      const pixels = new Uint8Array(3 * 16 * 16).fill(level)
      for (const severity of severities) {
        expect(corrupt({ pixels, height: 16, width: 16 }, { type, severity }, seededRandom(1)).length).toBe(
          768,
        )
      }
    }
  })

  for (const set of sets) {
    if (notMonotone[set].includes(type)) continue
    it(`of ${set} harms more with each severity`, () => {
      const side = set === 'cifar' ? 32 : 64
      const row = distortions(naturalImages(set === 'cifar' ? 24 : 8, side, side), type, set)
      for (let k = 1; k < row.length; k++) expect(row[k], row.join(' ')).toBeGreaterThan(row[k - 1]!)
    })
  }
})

describe('corrupted CIFAR-10', () => {
  it.skipIf(!available)('harms more with each severity', async () => {
    const { test } = await loadCifar10()
    const images = sliceImages(test, 0, 200)
    for (const type of corruptionTypes.filter((name) => !notMonotone.cifar.includes(name))) {
      const row = distortions(images, type, 'cifar')
      for (let k = 1; k < row.length; k++) expect(row[k], `${type} ${row}`).toBeGreaterThan(row[k - 1]!)
    }
  })
})

describe('a corruption that does not exist', () => {
  const image = { pixels: new Uint8Array(12), height: 2, width: 2 }
  const refused = (corruption: object): unknown => {
    try {
      return corrupt(image, corruption as Corruption, seededRandom(1))
    } catch (error) {
      return error
    }
  }

  it('is refused with the nearest name', () => {
    expect(refused({ type: 'gausian_noise', severity: 1 })).toMatchObject({
      code: 'BAD_OPTION',
      message: expect.stringContaining('gaussian_noise'),
    })
    expect(refused({ type: 'fog', severity: 1, set: 'imagenet-c' })).toMatchObject({
      code: 'BAD_OPTION',
      message: expect.stringContaining('imagenet'),
    })
    expect(refused({ type: 'toString', severity: 1 })).toMatchObject({ code: 'BAD_OPTION' })
  })

  it.each([0, 6, 1.5, '3', undefined])('is refused at severity %s', (severity) => {
    expect(refused({ type: 'fog', severity })).toMatchObject({
      code: 'BAD_OPTION',
      message: expect.stringContaining('severity'),
    })
  })

  it('is refused on pixels that are not of the size', () => {
    const bad = expect.objectContaining({ code: 'BAD_OPTION' })
    const fog = { type: 'fog', severity: 1 } as const
    expect(() => corrupt({ ...image, height: 3 }, fog, seededRandom(1))).toThrow(bad)
    expect(() => corrupt({ pixels: new Uint8Array(0), height: 0, width: 4 }, fog, seededRandom(1))).toThrow(
      bad,
    )
    expect(() => corruptImages({ ...naturalImages(2, 4, 4), count: 3 }, fog)).toThrow(bad)
  })
})
