import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { softmaxEntropy } from '../adapt/entropy.ts'
import { adaptableNetwork, doubtOf, LocalStatistics, NormForward } from '../adapt/index.ts'
import { loadBundle } from '../bundle/index.ts'
import {
  batchFiller,
  corruptImages,
  hasCifar10,
  type LabelledImages,
  loadCifar10,
  sliceImages,
} from '../data/index.ts'
import { readModel } from '../onnx/index.ts'
import { argmax } from '../train/index.ts'
import { normalisation } from './measure.ts'

const folder = fileURLToPath(new URL('../../bundles/cifar10-adaptable', import.meta.url))
const wanted = (await hasCifar10()) || process.env.CI === 'true' || process.env.ISTHMUS_FETCH === '1'
if (!wanted)
  console.warn(
    'skipped: statistics of its own on real images. Set ISTHMUS_FETCH=1 to download CIFAR-10 (139 MB).',
  )

const IMAGES = 2000
/** Images of a class, one after another. */
const RUN = 100
const PART = 16
const CLASSES = 10

describe.skipIf(!wanted)('the local network of bundle cifar10-adaptable with statistics of its own', () => {
  let images: LabelledImages
  beforeAll(async () => {
    images = sliceImages((await loadCifar10()).test, 0, IMAGES)
  }, 300_000)

  it('answers clean images in runs of one class as well as without', async () => {
    const { own, packed } = await errors(images, inRuns(images))
    expect(own).toBeLessThanOrEqual(packed + 0.005)
  })

  it('answers blurred images far better than without, and no worse when they come in runs of one class', async () => {
    const blurred = corruptImages(images, { type: 'gaussian_blur', severity: 5, set: 'cifar' }, 1)
    const mixed = await errors(
      blurred,
      Array.from({ length: IMAGES }, (_, at) => at),
    )
    expect(mixed.own).toBeLessThan(mixed.packed / 2)
    const runs = await errors(blurred, inRuns(images))
    expect(runs.own).toBeLessThanOrEqual(runs.packed)
  })
})

/** Indices of the images, class by class. */
function inRuns({ labels }: LabelledImages): number[] {
  const left = Array.from({ length: CLASSES }, (_, label) =>
    Array.from(labels.keys()).filter((index) => labels[index] === label),
  )
  const order: number[] = []
  while (left.some((indices) => indices.length > 0))
    for (const indices of left) order.push(...indices.splice(0, RUN))
  return order
}

/** Shares of wrong answers to the images in this order. */
async function errors(
  images: LabelledImages,
  order: readonly number[],
): Promise<{ own: number; packed: number }> {
  const { model, layout, source } = adaptableNetwork(
    readModel((await loadBundle(folder)).modelBytes('local')),
  )
  const running = await NormForward.open(model, layout, 'running')
  const byBatch = await NormForward.open(model, layout, 'batch')
  const statistics = new LocalStatistics(layout, source)
  const fill = batchFiller(images, normalisation)
  const wrong = { own: 0, packed: 0 }
  const row = (logits: Float32Array, at: number) => logits.subarray(at * CLASSES, (at + 1) * CLASSES)
  for (let start = 0; start + PART <= order.length; start += PART) {
    const indices = order.slice(start, start + PART)
    const data = new Float32Array(PART * 3 * 32 * 32)
    fill(indices, 0, data)
    const input = { dtype: 'float32', dims: [PART, 3, 32, 32], data } as const
    const { held } = statistics
    const answers = {
      own: (await running.run(input, typeof held === 'object' ? { ...source, ...held } : source)).data,
      packed: (await running.run(input, source)).data,
    }
    const { logits, moments } = await byBatch.runWithMoments(input, source)
    let given = 0
    indices.forEach((index, at) => {
      for (const which of ['own', 'packed'] as const)
        if (argmax(answers[which], at * CLASSES, CLASSES) !== images.labels[index]) wrong[which]++
      given += softmaxEntropy(row(answers.own, at))
    })
    statistics.add(moments, moments, PART, doubtOf(logits.data, PART, softmaxEntropy, given))
  }
  await running.dispose()
  await byBatch.dispose()
  const count = order.length - (order.length % PART)
  return { own: wrong.own / count, packed: wrong.packed / count }
}
