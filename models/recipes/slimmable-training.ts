import { type Cifar10, cifar10Mean, cifar10Std } from '../data/index.ts'
import type { SlimmableEncoderSizes } from '../nets/index.ts'
import type { ConstantTensor, Model } from '../onnx/index.ts'
import {
  type Family,
  fineTuningOptimizer,
  fineTuningStep,
  imitationOptimizer,
  imitationStep,
  rateFeeds,
} from '../slimmable/index.ts'
import { imageBatches, stepsPerEpoch } from '../train/index.ts'
import { averagedRounds } from './averaged-rounds.ts'
import { rateTiers } from './rate-tiers.ts'
import type { RecipeContext, Trained } from './recipe.ts'
import { latentDims, studentWidths } from './student-training.ts'
import { teacherWidths } from './teacher-training.ts'

type Weights = ReadonlyMap<string, ConstantTensor>

export const encoderSizes: SlimmableEncoderSizes = {
  stem: 20,
  stemBlocks: 1,
  body: 54,
  blocks: 1,
  latent: studentWidths.latent,
}

/** The widths of the encoder that can be chosen while it runs. */
export const encoderWidths = [1, 0.5] as const

/** What the training depends on, besides the code, the teacher and the student: recorded in the bundle. */
export const slimmableSettings = {
  name: 'slimmable',
  seed: 4,
  batch: 128,
  prefixRows: 8,
  padPx: 3,
  /** Both stages run in rounds, each from where the one before has ended; the weights at all ends are averaged. */
  imitateEpochs: [24],
  imitatePeakRates: [4e-3],
  fineTuneEpochs: [11, 6, 6, 6],
  /** Copies of stage 1's step that share each batch. */
  imitateReplicas: 2,
  /** Gentle: decoder and tail come from the student, and are worth keeping. */
  fineTunePeakRates: [0.05, 0.04, 0.04, 0.04],
  /** Steps that only measure the running statistics of the averaged weights. */
  statisticsSteps: 120,
  narrowRows: 32,
  fineBias: 2.5,
  weightDecay: 2.5e-4,
  /** Prior and gains start from nothing. */
  rateScaleOfRates: 5,
  labelShare: 0.3,
}

const normalisation = { mean: cifar10Mean, std: cifar10Std }
const { batch, seed, padPx } = slimmableSettings

const family: Family = {
  name: 'cifar10',
  encoder: encoderSizes,
  plane: latentDims.slice(1) as [number, number],
  decoder: studentWidths,
  tail: teacherWidths,
  batch,
  widths: [
    { width: encoderWidths[0], rows: batch - slimmableSettings.narrowRows },
    { width: encoderWidths[1], rows: slimmableSettings.narrowRows },
  ],
  tiers: rateTiers,
  prefixRows: slimmableSettings.prefixRows,
  fineBias: slimmableSettings.fineBias,
}

/** The images of a stage, each time in another order, flipped and shifted. */
const looks = (data: Cifar10, seed: number, softLabels?: Float32Array) =>
  imageBatches(data.train, {
    ...normalisation,
    batch,
    classes: 10,
    ...(softLabels && { softLabels }),
    seed,
    flip: 'alternating',
    padPx,
  })

/** Rounds of so many epochs each. */
const rounds = (data: Cifar10, stage: string, epochs: readonly number[], peakRates: readonly number[]) =>
  epochs.map((count, at) => ({
    name: `${stage}-${at + 1}`,
    steps: count * stepsPerEpoch(data.train, batch),
    peakRate: peakRates[at]!,
  }))

/**
 * First the small encoder, at both widths, learns to give what the student's larger encoder gives: cheap, since no server part
 * takes part in it.
 */
export async function imitateHead(data: Cifar10, head: Model, context: RecipeContext): Promise<Trained> {
  const { imitateEpochs, imitatePeakRates, imitateReplicas: replicas, statisticsSteps } = slimmableSettings
  // What the later stage does with it leaves this one as it is.
  const settings = { seed, batch, replicas, statisticsSteps, padPx, ...encoderSizes }
  const step = imitationStep({ ...family, batch: batch / replicas }, head, seed)
  const batches = looks(data, seed)
  const { state, elapsedS } = await averagedRounds(
    {
      step,
      optimizer: imitationOptimizer,
      itemsPerStep: batch,
      batch: (at) => ({ input: batches(at).images }),
    },
    (name, done) => ({
      ...context.phase(name, { ...settings, rounds: done }, `slimmable, stage 1: ${name}`),
      replicas,
      // Copies of one thread each are faster than one of several.
      threads: 1,
    }),
    rounds(data, 'imitation', imitateEpochs, imitatePeakRates),
    statisticsSteps,
  )
  return { weights: step.parameters(state), elapsedS }
}

/** Stage 2 over all training images. */
export async function fineTuneSlimmable(
  data: Cifar10,
  targets: Float32Array,
  weights: Weights,
  context: RecipeContext,
): Promise<Trained> {
  const { fineTuneEpochs, fineTunePeakRates, ...settings } = slimmableSettings
  const step = fineTuningStep(family, weights, slimmableSettings)
  const batches = looks(data, seed + 1, targets)
  const feeds = rateFeeds(family, seed)
  const { state, elapsedS } = await averagedRounds(
    {
      step,
      optimizer: fineTuningOptimizer,
      itemsPerStep: batch,
      batch: (at) => {
        const { images, targets: probabilities } = batches(at)
        return { input: images, targets: probabilities, ...feeds(at) }
      },
    },
    (name, done) =>
      context.phase(name, { ...settings, rateTiers, rounds: done }, `slimmable, stage 2: ${name}`),
    rounds(data, 'fine-tuning', fineTuneEpochs, fineTunePeakRates),
    settings.statisticsSteps,
  )
  return { weights: step.parameters(state), elapsedS }
}
