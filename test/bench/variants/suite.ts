import { join } from 'node:path'
import { loadBundle } from '@isthmus/models/bundle'
import { loadCifar10WithProgress, sliceImages } from '@isthmus/models/data'
import { weightsOf } from '@isthmus/models/nets'
import { inspectModel, readModel } from '@isthmus/models/onnx'
import type { Detail, Measurement, Suite, SuiteContext } from '../suite.ts'
import { accuracyAt } from './accuracy-at.ts'
import { teachersAnswers } from './answers.ts'
import { describedPoints } from './described-points.ts'
import { variantHead, variantTail } from './graphs.ts'
import { type Point, points } from './measuring.ts'
import { trainVariant } from './training.ts'
import { type Variant, variants } from './variant.ts'

const SEED = 11
/** Of the label in a target; the rest is the teacher's answer. */
const LABEL_SHARE = 0.5
/** A small part of what the networks that ship took: the suite compares ways, it does not reach for figures. */
const full = { trainImages: 10_000, testImages: 10_000, stage1Epochs: 2, stage2Epochs: 4 }
const quick = { trainImages: 256, testImages: 250, stage1Epochs: 1, stage2Epochs: 1 }

interface Trained {
  readonly variant: Variant
  readonly points: readonly Point[]
  readonly headMacs: readonly number[]
}

async function measure(context: SuiteContext): Promise<Measurement> {
  const size = context.quick ? quick : full
  const { train, test, sha256 } = await loadCifar10WithProgress()
  const data = { train: sliceImages(train, 0, size.trainImages), test: sliceImages(test, 0, size.testImages) }
  const bundle = await loadBundle(join(context.bundles, 'cifar10-teacher'))
  const teacherWeights = weightsOf(readModel(bundle.modelBytes('full')))
  context.say('asking the teacher')
  const targets = await teachersAnswers(bundle.modelBytes('full'), data.train, LABEL_SHARE, context.threads)

  const results: Trained[] = []
  for (const variant of variants) {
    const budget = { seed: SEED, ...size, threads: context.threads }
    const weights = await trainVariant(
      variant,
      data.train,
      targets,
      teacherWeights,
      budget,
      (stage, done, steps) => context.say(`${variant.name}: stage ${stage}, step ${done} of ${steps}`),
    )
    const tail = variantTail(weights)
    const places = variant.tiers.length === 1 ? [0] : [0, 0.25, 0.5, 0.75, 1]
    const found: Point[] = []
    const headMacs: number[] = []
    for (const width of variant.widths) {
      const head = variantHead(variant, weights, width)
      headMacs.push(inspectModel(head, { input: [1, 3, 32, 32] }).macs)
      found.push(...(await points({ head, tail }, weights, width, places, data, context.threads)))
    }
    results.push({ variant, points: found, headMacs })
  }
  return {
    figures: figuresOf(results),
    peers: {},
    // Two steps of training tell nothing but that everything runs.
    ...(context.quick && { verdicts: { slimmableTaxPts: null } }),
    detail: {
      seed: SEED,
      dataSha256: sha256,
      threads: context.threads,
      ...size,
      variants: Object.fromEntries(
        results.map((result) => [result.variant.name, detailOf(result, data.test.count)]),
      ),
    },
  }
}

function figuresOf(results: readonly Trained[]): Record<string, number> {
  const pointsOf = (name: string, width: number) =>
    results.find(({ variant }) => variant.name === name)!.points.filter((point) => point.width === width)
  const fixed = results.filter(({ variant }) => variant.name.startsWith('fixed-'))
  const taxes = fixed.flatMap((one) =>
    one.points.map((point) => point.top1 - accuracyAt(pointsOf('slimmable', point.width), point.bytes)),
  )
  const gainsOfInvariance = pointsOf('slimmable-invariant', 0.5).map(
    (point) => point.top1 - accuracyAt(pointsOf('slimmable', 0.5), point.bytes),
  )
  return {
    slimmableTaxPts: Math.max(...taxes),
    invarianceGainPts: gainsOfInvariance.reduce((sum, gain) => sum + gain, 0) / gainsOfInvariance.length,
  }
}

function detailOf({ variant, points: found, headMacs }: Trained, images: number): Detail {
  return {
    meaning: variant.meaning,
    headMacs: [...headMacs],
    points: describedPoints(found, images),
  }
}

/** Ways to train a bottleneck, all with the same images, epochs and server part. */
export const variantsSuite: Suite = {
  name: 'variants',
  meaning: 'ways to train a bottleneck beside each other, at one small budget',
  figures: [
    {
      name: 'slimmableTaxPts',
      meaning:
        'worst loss of one slimmable encoder against separately trained fixed ones, at equal bytes, in points',
      target: { atMost: 1 },
      kind: 'result',
    },
    {
      name: 'invarianceGainPts',
      meaning: 'what configuration-invariant distillation gives the narrow width, in points at equal bytes',
      target: { about: 0 },
      kind: 'speed',
    },
  ],
  measure,
}
