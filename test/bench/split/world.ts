import { join } from 'node:path'
import { type Bundle, loadBundle } from '@isthmus/models/bundle'
import {
  type LabelledImages,
  loadCifar10WithProgress,
  type RgbImage,
  sliceImages,
} from '@isthmus/models/data'
import type { SuiteContext } from '../suite.ts'
import { picturesOf } from './classify.ts'

const BUNDLE = 'cifar10'
const PUBLISHED = 'cifar10-student'

/** How many pictures each comparison takes: enough for what it says, few enough for the time that a run may take. */
const COUNTS = {
  full: { all: 10_000, some: 2000, training: 5000 },
  quick: { all: 1000, some: 100, training: 64 },
}

/** What every measurement on CIFAR-10 looks at. */
export interface World extends SuiteContext {
  readonly bundle: Bundle
  /** BottleFit as it was published: 8 bits, no entropy coding. */
  readonly published: Bundle
  /** Test images, and the class of each. */
  readonly pictures: readonly RgbImage[]
  readonly labels: Uint8Array
  /** The same test images in planes. */
  readonly images: LabelledImages
  /** Some training images: what peers are calibrated or trained on. */
  readonly trainingPictures: readonly RgbImage[]
  /** The first so many are what image codecs and other peers are compared on. */
  readonly some: number
  readonly dataSha256: string
}

export async function openWorld(context: SuiteContext): Promise<World> {
  const bundle = await loadBundle(join(context.bundles, BUNDLE))
  const { test, train, sha256 } = await loadCifar10WithProgress()
  const { all, some, training } = COUNTS[context.quick ? 'quick' : 'full']
  const images = sliceImages(test, 0, all)
  return {
    ...context,
    bundle,
    published: await loadBundle(join(context.bundles, PUBLISHED)),
    images,
    pictures: picturesOf(images),
    labels: images.labels,
    trainingPictures: picturesOf(sliceImages(train, 0, training)),
    some,
    dataSha256: sha256,
  }
}
