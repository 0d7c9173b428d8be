import { compileTrainingStep, type Optimizer } from '../autodiff/index.ts'
import { type Cifar10, cifar10Mean, cifar10Std, seededRandom } from '../data/index.ts'
import { foldBatchNorm, localNet, mobileNet, NetBuilder } from '../nets/index.ts'
import type { ConstantTensor, Model } from '../onnx/index.ts'
import { imageBatches, runTraining, stepsPerEpoch, triangle } from '../train/index.ts'
import type { RecipeContext, Trained } from './recipe.ts'

/** A device's own classifier of CIFAR-10, and how it is trained. */
export interface ClassifierRecipe {
  /** [N,3,32,32] → logits [N,10]. */
  readonly build: (net: NetBuilder, x: string) => string
  /** What the training depends on, besides the code and the teacher: recorded in the bundle. */
  readonly settings: {
    readonly name: 'local' | 'mobile'
    readonly seed: number
    readonly epochs: number
    readonly batch: number
    /** Copies of the step that share a batch: each normalises by its own part. */
    readonly replicas: number
    readonly peakRate: number
    readonly momentum: number
    readonly weightDecay: number
    /** Share of the label in the target; the rest is the teacher's answer. */
    readonly labelShare: number
    /** Softens the teacher's answer (Hinton et al. 2015). */
    readonly temperature: number
    readonly padPx: number
  }
}

const common = {
  seed: 2,
  batch: 128,
  peakRate: 0.2,
  momentum: 0.9,
  weightDecay: 2.5e-4,
  labelShare: 0.3,
  temperature: 1,
  padPx: 2,
} as const

export const localClassifier: ClassifierRecipe = {
  build: (net, x) => localNet(net, x, { stage1: 32, stage2: 40 }),
  settings: { name: 'local', epochs: 40, replicas: 1, ...common },
}

export const mobileClassifier: ClassifierRecipe = {
  build: (net, x) => mobileNet(net, x, { stage1: 32, stage2: 54 }),
  settings: { name: 'mobile', epochs: 48, replicas: 2, ...common },
}

const normalisation = { mean: cifar10Mean, std: cifar10Std }

/** The trained classifier as a graph `input` [N,3,32,32] → `logits` [N,10], normalisation folded in. */
export function classifierModel(
  { build, settings: { name } }: ClassifierRecipe,
  weights: ReadonlyMap<string, ConstantTensor>,
): Model {
  const net = new NetBuilder(`cifar10-${name}`, { random: seededRandom(0), weights })
  const input = net.g.input('input', 'float32', ['N', 3, 32, 32])
  net.g.output(build(net, input), 'logits', 'float32', ['N', 10])
  return foldBatchNorm(net.build())
}

/** Trains a classifier on labels and a teacher's answers; returns its weights by name and the time it took. */
export async function trainClassifier(
  { build, settings }: ClassifierRecipe,
  data: Cifar10,
  targets: Float32Array,
  context: RecipeContext,
): Promise<Trained> {
  const { name, seed, epochs, batch, replicas, peakRate, momentum, weightDecay, padPx } = settings
  const optimizer: Optimizer = { kind: 'sgd', momentum, nesterov: true }
  const rows = batch / replicas
  const net = new NetBuilder(`cifar10-${name}`, { random: seededRandom(seed), training: true })
  const input = net.g.input('input', 'float32', [rows, 3, 32, 32])
  const wanted = net.g.input('targets', 'float32', [rows, 10])
  net.g.output(net.crossEntropy(build(net, input), wanted, rows), 'loss')
  const step = compileTrainingStep(net.build(), {
    loss: 'loss',
    inputDims: { input: [rows, 3, 32, 32], targets: [rows, 10] },
    optimizer,
    groups: [
      { name: 'kernels', parameters: net.kernels, weightDecay },
      { name: 'vectors', parameters: net.vectors },
    ],
  })
  const batches = imageBatches(data.train, {
    ...normalisation,
    batch,
    classes: 10,
    softLabels: targets,
    seed,
    flip: 'alternating',
    padPx,
  })
  const steps = epochs * stepsPerEpoch(data.train, batch)
  const phase = context.phase(name, settings)
  const { state, elapsedS } = await runTraining({
    step,
    optimizer,
    steps,
    itemsPerStep: batch,
    rate: triangle(peakRate, steps),
    batch: (at) => {
      const { images, targets: probabilities } = batches(at)
      return { input: images, targets: probabilities }
    },
    ...phase,
    replicas,
    // Copies of one thread each are faster than one of several.
    threads: replicas > 1 ? 1 : phase.threads,
  })
  return { weights: step.parameters(state), elapsedS }
}
