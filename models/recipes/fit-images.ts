import { compileTrainingStep, type Optimizer } from '../autodiff/index.ts'
import { type LabelledImages, seededRandom } from '../data/index.ts'
import { NetBuilder } from '../nets/index.ts'
import { imageBatches, runTraining, stepsPerEpoch, triangle } from '../train/index.ts'
import { normalisation } from './measure.ts'
import type { PhaseOptions, Trained } from './recipe.ts'

/** A small classifier of images, and how it is trained. */
export interface ImageFit {
  readonly name: string
  /** [rows,3,32,32] → logits [rows,classes]. */
  readonly build: (net: NetBuilder, x: string) => string
  readonly classes: number
  readonly images: LabelledImages
  /** Probabilities [count,classes], in place of the labels. */
  readonly softLabels?: Float32Array
  readonly settings: {
    readonly seed: number
    readonly epochs: number
    readonly batch: number
    /** Copies of the step that share a batch: each normalises by its own part. Default 1. */
    readonly replicas?: number
    readonly peakRate: number
    readonly momentum: number
    readonly weightDecay: number
    readonly padPx: number
  }
  readonly phase: PhaseOptions
}

/** Trains it from scratch; returns its weights by name and the time it took. */
export async function fitImages(fit: ImageFit): Promise<Trained> {
  const { name, build, classes, images, softLabels, phase } = fit
  const { seed, epochs, batch, replicas = 1, peakRate, momentum, weightDecay, padPx } = fit.settings
  const optimizer: Optimizer = { kind: 'sgd', momentum, nesterov: true }
  const rows = batch / replicas
  const net = new NetBuilder(name, { random: seededRandom(seed), training: true })
  const input = net.g.input('input', 'float32', [rows, 3, 32, 32])
  const wanted = net.g.input('targets', 'float32', [rows, classes])
  net.g.output(net.crossEntropy(build(net, input), wanted, rows), 'loss')
  const step = compileTrainingStep(net.build(), {
    loss: 'loss',
    inputDims: { input: [rows, 3, 32, 32], targets: [rows, classes] },
    optimizer,
    groups: [
      { name: 'kernels', parameters: net.kernels, weightDecay },
      { name: 'vectors', parameters: net.vectors },
    ],
  })
  const soft = softLabels ? { softLabels } : {}
  const options = { ...normalisation, batch, classes, ...soft, seed, flip: 'alternating', padPx } as const
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
    ...phase,
    replicas,
    // Copies of one thread each are faster than one of several.
    threads: replicas > 1 ? 1 : phase.threads,
  })
  return { weights: step.parameters(state), elapsedS }
}
