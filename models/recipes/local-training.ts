import { compileTrainingStep, type Optimizer } from '../autodiff/index.ts'
import { type Cifar10, cifar10Mean, cifar10Std, seededRandom } from '../data/index.ts'
import { foldBatchNorm, type LocalWidths, localNet, NetBuilder } from '../nets/index.ts'
import type { ConstantTensor, Model } from '../onnx/index.ts'
import { imageBatches, runTraining, stepsPerEpoch, triangle } from '../train/index.ts'
import type { RecipeContext, Trained } from './recipe.ts'

export const localWidths: LocalWidths = { stage1: 32, stage2: 40 }

/** What the local network's training depends on, besides the code and the teacher: recorded in the bundle. */
export const localSettings = {
  name: 'local',
  seed: 2,
  epochs: 40,
  batch: 128,
  peakRate: 0.2,
  momentum: 0.9,
  weightDecay: 2.5e-4,
  /** Share of the label in the target; the rest is the teacher's answer. */
  labelShare: 0.3,
  /** Softens the teacher's answer (Hinton et al. 2015). */
  temperature: 1,
  padPx: 2,
}

const normalisation = { mean: cifar10Mean, std: cifar10Std }
const optimizer: Optimizer = { kind: 'sgd', momentum: localSettings.momentum, nesterov: true }

function localGraph(weights: ReadonlyMap<string, ConstantTensor>): Model {
  const net = new NetBuilder('cifar10-local', { random: seededRandom(0), weights })
  const input = net.g.input('input', 'float32', ['N', 3, 32, 32])
  net.g.output(localNet(net, input, localWidths), 'logits', 'float32', ['N', 10])
  return net.build()
}

/** The device's own classifier as a graph `input` [N,3,32,32] → `logits` [N,10], normalisation folded in. */
export const localModel = (weights: ReadonlyMap<string, ConstantTensor>): Model =>
  foldBatchNorm(localGraph(weights))

/** Trains the local network on labels and a teacher's answers; returns its weights by name and the time it took. */
export async function trainLocal(
  data: Cifar10,
  targets: Float32Array,
  context: RecipeContext,
): Promise<Trained> {
  const { seed, epochs, batch, peakRate, weightDecay, padPx } = localSettings
  const net = new NetBuilder('cifar10-local', { random: seededRandom(seed), training: true })
  const input = net.g.input('input', 'float32', [batch, 3, 32, 32])
  const wanted = net.g.input('targets', 'float32', [batch, 10])
  net.g.output(net.crossEntropy(localNet(net, input, localWidths), wanted, batch), 'loss')
  const step = compileTrainingStep(net.build(), {
    loss: 'loss',
    inputDims: { input: [batch, 3, 32, 32], targets: [batch, 10] },
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
    ...context.phase('local', localSettings),
  })
  return { weights: step.parameters(state), elapsedS }
}
