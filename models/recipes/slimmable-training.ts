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
import { imageBatches, runTraining, stepsPerEpoch, triangle } from '../train/index.ts'
import { averagedRounds } from './averaged-rounds.ts'
import { rateTiers } from './rate-tiers.ts'
import type { RecipeContext, Trained } from './recipe.ts'
import { latentDims, studentWidths } from './student-training.ts'
import { teacherWidths } from './teacher-training.ts'

type Weights = ReadonlyMap<string, ConstantTensor>

export const encoderSizes: SlimmableEncoderSizes = {
  stem: 44,
  body: 60,
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
  narrowRows: 24,
  prefixRows: 8,
  fineBias: 1.5,
  imitateEpochs: 42,
  imitatePeakRate: 4e-3,
  fineTuneEpochs: 10,
  /** Gentle: decoder and tail come from the student, and are worth keeping. */
  fineTunePeakRate: 0.03,
  /** A second round from where the first has ended; the weights of both ends are averaged. */
  restartEpochs: 8,
  restartPeakRate: 0.03,
  /** Steps that only measure the running statistics of the averaged weights. */
  statisticsSteps: 120,
  weightDecay: 8e-4,
  /** Prior and gains start from nothing. */
  rateScaleOfRates: 5,
  labelShare: 0.5,
  padPx: 3,
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

/**
 * First the small encoder, at both widths, learns to give what the student's larger encoder gives: cheap, since no server part
 * takes part in it.
 */
export async function imitateHead(data: Cifar10, head: Model, context: RecipeContext): Promise<Trained> {
  const { imitateEpochs, imitatePeakRate } = slimmableSettings
  // What the later stage does with it leaves this one as it is.
  const imitation = { seed, batch, imitateEpochs, imitatePeakRate, padPx, ...encoderSizes }
  const step = imitationStep(family, head, seed)
  const steps = imitateEpochs * stepsPerEpoch(data.train, batch)
  const batches = imageBatches(data.train, {
    ...normalisation,
    batch,
    classes: 10,
    seed,
    flip: 'alternating',
    padPx,
  })
  const { state, elapsedS } = await runTraining({
    step,
    optimizer: imitationOptimizer,
    steps,
    itemsPerStep: batch,
    rate: triangle(imitatePeakRate, steps),
    batch: (at) => ({ input: batches(at).images }),
    ...context.phase('imitation', imitation, 'slimmable, stage 1: imitation'),
  })
  return { weights: step.parameters(state), elapsedS }
}

/** Stage 2 over all training images, in two rounds whose ends are averaged. */
export async function fineTuneSlimmable(
  data: Cifar10,
  targets: Float32Array,
  weights: Weights,
  context: RecipeContext,
): Promise<Trained> {
  const { fineTuneEpochs, fineTunePeakRate, restartEpochs, restartPeakRate } = slimmableSettings
  const step = fineTuningStep(family, weights, slimmableSettings)
  const batches = imageBatches(data.train, {
    ...normalisation,
    batch,
    classes: 10,
    softLabels: targets,
    seed: seed + 1,
    flip: 'alternating',
    padPx,
  })
  const feeds = rateFeeds(family, seed)
  const training = {
    step,
    optimizer: fineTuningOptimizer,
    itemsPerStep: batch,
    batch: (at: number) => {
      const { images, targets: probabilities } = batches(at)
      return { input: images, targets: probabilities, ...feeds(at) }
    },
  }
  const phase = (name: string) =>
    context.phase(name, { ...slimmableSettings, rateTiers }, `slimmable, stage 2: ${name}`)
  const epoch = stepsPerEpoch(data.train, batch)
  const rounds = [
    { name: 'fine-tuning', steps: fineTuneEpochs * epoch, peakRate: fineTunePeakRate },
    { name: 'restart', steps: restartEpochs * epoch, peakRate: restartPeakRate },
  ] as const
  const { state, elapsedS } = await averagedRounds(training, phase, rounds, slimmableSettings.statisticsSteps)
  return { weights: step.parameters(state), elapsedS }
}
