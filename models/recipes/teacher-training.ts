import { compileTrainingStep, type Optimizer } from '../autodiff/index.ts'
import { type Cifar10, cifar10Mean, cifar10Std, seededRandom } from '../data/index.ts'
import { NetBuilder, type TeacherWidths, teacher, whiteningKernels } from '../nets/index.ts'
import type { ConstantTensor, Model } from '../onnx/index.ts'
import { imageBatches, runTraining, stepsPerEpoch, triangle } from '../train/index.ts'
import type { RecipeContext, Trained } from './recipe.ts'

export const teacherWidths: TeacherWidths = { group1: 64, group2: 192, group3: 256 }

/** What the teacher's training depends on, besides the code: recorded in the bundle. */
export const teacherSettings = {
  name: 'teacher',
  seed: 1,
  epochs: 10,
  batch: 128,
  peakRate: 0.2,
  momentum: 0.85,
  weightDecay: 1.3e-3,
  vectorRateScale: 4,
  labelSmoothing: 0.2,
  padPx: 2,
}

/** The teacher as a graph `input` [N,3,32,32] → `logits` [N,10]. */
export function teacherModel(weights: ReadonlyMap<string, ConstantTensor>): Model {
  const net = new NetBuilder('cifar10-teacher', { random: seededRandom(0), weights })
  const input = net.g.input('input', 'float32', ['N', 3, 32, 32])
  const taps = teacher(net, input, teacherWidths, () => weights.get('whitening.weight')!)
  net.g.output(taps.logits, 'logits', 'float32', ['N', 10])
  return net.build()
}

/** A training of the teacher's network: how, from where, on which views of the images. */
export interface TeacherTraining {
  readonly settings: typeof teacherSettings
  readonly whitening: ConstantTensor
  /** Weights to go on from. Default: from scratch. */
  readonly start?: ReadonlyMap<string, ConstantTensor>
  /** Of the batches that `change` gets. */
  readonly normalisation: { readonly mean: readonly number[]; readonly std: readonly number[] }
  /** Changes the images of a step in place. */
  readonly change?: (images: Float32Array, step: number) => void
}

/** Trains the teacher from scratch; returns its weights by name and the time it took. */
export function trainTeacher(data: Cifar10, context: RecipeContext): Promise<Trained> {
  const normalisation = { mean: cifar10Mean, std: cifar10Std }
  const whitening = whiteningKernels(data.train, normalisation)
  return fitTeacher(data, context, { settings: teacherSettings, whitening, normalisation })
}

/** Trains the teacher's network; returns its weights by name and the time it took. */
export async function fitTeacher(
  data: Cifar10,
  context: RecipeContext,
  { settings, whitening, start, normalisation, change }: TeacherTraining,
): Promise<Trained> {
  const {
    name,
    seed,
    epochs,
    batch,
    peakRate,
    momentum,
    weightDecay,
    vectorRateScale,
    labelSmoothing,
    padPx,
  } = settings
  const optimizer: Optimizer = { kind: 'sgd', momentum, nesterov: true }
  const net = new NetBuilder(`cifar10-${name}`, {
    random: seededRandom(seed),
    training: true,
    ...(start ? { weights: start } : {}),
  })
  const input = net.g.input('input', 'float32', [batch, 3, 32, 32])
  const targets = net.g.input('targets', 'float32', [batch, 10])
  const taps = teacher(net, input, teacherWidths, () => whitening)
  net.g.output(net.crossEntropy(taps.logits, targets, batch), 'loss')
  const step = compileTrainingStep(net.build(), {
    loss: 'loss',
    inputDims: { input: [batch, 3, 32, 32], targets: [batch, 10] },
    optimizer,
    groups: [
      { name: 'kernels', parameters: net.kernels, weightDecay },
      { name: 'vectors', parameters: net.vectors, rateScale: vectorRateScale },
    ],
  })
  const batches = imageBatches(data.train, {
    ...normalisation,
    batch,
    classes: 10,
    labelSmoothing,
    seed,
    flip: 'alternating',
    padPx,
  })
  const steps = epochs * stepsPerEpoch(data.train, batch)
  const { state, elapsedS } = await runTraining({
    step,
    optimizer,
    steps,
    itemsPerStep: batch,
    rate: triangle(peakRate, steps),
    batch: (at) => {
      const { images, targets: labels } = batches(at)
      change?.(images.data as Float32Array, at)
      return { input: images, targets: labels }
    },
    ...context.phase(name, settings),
  })
  return { weights: new Map([...step.parameters(state), ['whitening.weight', whitening]]), elapsedS }
}
