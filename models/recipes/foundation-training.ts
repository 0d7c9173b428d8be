import { compileTrainingStep, type Optimizer } from '../autodiff/index.ts'
import { type Cifar10, cifar10Mean, cifar10Std, mixedViews, seededRandom } from '../data/index.ts'
import { NetBuilder, teacher } from '../nets/index.ts'
import type { ConstantTensor } from '../onnx/index.ts'
import { imageBatches, runTraining, stepsPerEpoch, triangle } from '../train/index.ts'
import type { RecipeContext, Trained } from './recipe.ts'
import { teacherWidths } from './teacher-training.ts'

/** What the foundation's training depends on, besides the code and the teacher: recorded in the bundle. */
export const foundationSettings = {
  name: 'foundation',
  seed: 11,
  epochs: 5,
  batch: 128,
  peakRate: 0.06,
  momentum: 0.85,
  weightDecay: 1.3e-3,
  vectorRateScale: 4,
  labelSmoothing: 0.1,
  padPx: 2,
}

const optimizer: Optimizer = { kind: 'sgd', momentum: foundationSettings.momentum, nesterov: true }

/** Trains the teacher on, on mixed views of the images, so that it stays right when the weather changes. */
export async function trainFoundation(
  data: Cifar10,
  start: ReadonlyMap<string, ConstantTensor>,
  context: RecipeContext,
): Promise<Trained> {
  const { seed, epochs, batch, peakRate, weightDecay, vectorRateScale, labelSmoothing, padPx } =
    foundationSettings
  const net = new NetBuilder('cifar10-foundation', {
    random: seededRandom(seed),
    weights: start,
    training: true,
  })
  const input = net.g.input('input', 'float32', [batch, 3, 32, 32])
  const targets = net.g.input('targets', 'float32', [batch, 10])
  const taps = teacher(net, input, teacherWidths, () => start.get('whitening.weight')!)
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
    mean: [0, 0, 0],
    std: [1, 1, 1],
    batch,
    classes: 10,
    labelSmoothing,
    seed,
    flip: 'alternating',
    padPx,
  })
  const mix = mixedViews(32, 32)
  const steps = epochs * stepsPerEpoch(data.train, batch)
  const { state, elapsedS } = await runTraining({
    step,
    optimizer,
    steps,
    itemsPerStep: batch,
    rate: triangle(peakRate, steps),
    batch: (at) => {
      const { images, targets: labels } = batches(at)
      const pixels = images.data as Float32Array
      for (let row = 0; row < batch; row++) {
        const image = pixels.subarray(row * 3072, (row + 1) * 3072)
        mix(image, seededRandom(seed, at, row))
        normalise(image)
      }
      return { input: images, targets: labels }
    },
    ...context.phase('foundation', foundationSettings),
  })
  const weights = new Map([...step.parameters(state), ['whitening.weight', start.get('whitening.weight')!]])
  return { weights, elapsedS }
}

function normalise(image: Float32Array): void {
  const area = image.length / 3
  for (let at = 0; at < image.length; at++) {
    const channel = Math.floor(at / area)
    image[at] = (image[at]! - cifar10Mean[channel]!) / cifar10Std[channel]!
  }
}
