import { compileTrainingStep, type Optimizer } from '../autodiff/index.ts'
import { type LabelledImages, seededRandom } from '../data/index.ts'
import { type FilterWidths, filterNet, foldBatchNorm, interest, NetBuilder } from '../nets/index.ts'
import type { ConstantTensor, Model } from '../onnx/index.ts'
import { imageBatches, runTraining, stepsPerEpoch, triangle } from '../train/index.ts'
import { normalisation } from './measure.ts'
import type { RecipeContext, Trained } from './recipe.ts'

const widths: FilterWidths = [16, 32, 64]

/** What the filter's training depends on, besides the code: recorded in the bundle. */
export const filterSettings = {
  name: 'filter',
  seed: 11,
  epochs: 14,
  batch: 128,
  peakRate: 0.15,
  momentum: 0.9,
  weightDecay: 5e-4,
  padPx: 2,
}

const optimizer: Optimizer = { kind: 'sgd', momentum: filterSettings.momentum, nesterov: true }

/** Images whose label says whether they are of interest: 1 or 0. */
export function ofInterest(images: LabelledImages, labels: ReadonlySet<number>): LabelledImages {
  return { ...images, labels: images.labels.map((label) => (labels.has(label) ? 1 : 0)) }
}

/** `input` [N,3,32,32] → `interest` [N,1], a probability; normalisation folded in. */
export function filterModel(weights: ReadonlyMap<string, ConstantTensor>): Model {
  const net = new NetBuilder('cifar10-filter', { random: seededRandom(0), weights })
  const input = net.g.input('input', 'float32', ['N', 3, 32, 32])
  net.g.output(interest(net, filterNet(net, input, widths)), 'interest', 'float32', ['N', 1])
  return foldBatchNorm(net.build())
}

/** Trains the filter on images labelled 1 (of interest) and 0. */
export async function trainFilter(images: LabelledImages, context: RecipeContext): Promise<Trained> {
  const { seed, epochs, batch, peakRate, weightDecay, padPx } = filterSettings
  const net = new NetBuilder('cifar10-filter', { random: seededRandom(seed), training: true })
  const input = net.g.input('input', 'float32', [batch, 3, 32, 32])
  const wanted = net.g.input('targets', 'float32', [batch, 2])
  net.g.output(net.crossEntropy(filterNet(net, input, widths), wanted, batch), 'loss')
  const step = compileTrainingStep(net.build(), {
    loss: 'loss',
    inputDims: { input: [batch, 3, 32, 32], targets: [batch, 2] },
    optimizer,
    groups: [
      { name: 'kernels', parameters: net.kernels, weightDecay },
      { name: 'vectors', parameters: net.vectors },
    ],
  })
  const options = { ...normalisation, batch, classes: 2, seed, flip: 'alternating', padPx } as const
  const batches = imageBatches(images, options)
  const steps = epochs * stepsPerEpoch(images, batch)
  const { state, elapsedS } = await runTraining({
    step,
    optimizer,
    steps,
    itemsPerStep: batch,
    rate: triangle(peakRate, steps),
    batch: (at) => {
      const { images: pixels, targets } = batches(at)
      return { input: pixels, targets }
    },
    ...context.phase('filter', filterSettings),
  })
  return { weights: step.parameters(state), elapsedS }
}
