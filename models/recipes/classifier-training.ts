import { type Cifar10, seededRandom } from '../data/index.ts'
import { foldBatchNorm, localNet, mobileNet, NetBuilder } from '../nets/index.ts'
import type { ConstantTensor, Model } from '../onnx/index.ts'
import { fitImages, type ImageFit } from './fit-images.ts'
import type { RecipeContext, Trained } from './recipe.ts'

/** A device's own classifier of CIFAR-10, and how it is trained. */
export interface ClassifierRecipe {
  /** [N,3,32,32] → logits [N,10]. */
  readonly build: (net: NetBuilder, x: string) => string
  /** What the training depends on, besides the code and the teacher: recorded in the bundle. */
  readonly settings: Required<ImageFit['settings']> & {
    readonly name: 'local' | 'mobile'
    /** Share of the label in the target; the rest is the teacher's answer. */
    readonly labelShare: number
    /** Softens the teacher's answer (Hinton et al. 2015). */
    readonly temperature: number
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
export function trainClassifier(
  { build, settings }: ClassifierRecipe,
  data: Cifar10,
  targets: Float32Array,
  context: RecipeContext,
): Promise<Trained> {
  return fitImages({
    name: `cifar10-${settings.name}`,
    build,
    classes: 10,
    images: data.train,
    softLabels: targets,
    settings,
    phase: context.phase(settings.name, settings),
  })
}
