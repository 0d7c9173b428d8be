import { compileTrainingStep, type Optimizer } from '../autodiff/index.ts'
import { batchFiller, type LabelledImages, seededRandom, shuffledIndices } from '../data/index.ts'
import { exitNet, foldBatchNorm, NetBuilder } from '../nets/index.ts'
import { type ConstantTensor, elementCount, type Model } from '../onnx/index.ts'
import type { Session, Tensor } from '../runtime/index.ts'
import { runTraining, triangle } from '../train/index.ts'
import { normalisation } from './measure.ts'
import type { RecipeContext, Trained } from './recipe.ts'

/** What the exit's training depends on, besides the code and the head: recorded in the bundle. */
export const exitSettings = {
  name: 'exit',
  seed: 12,
  width: 48,
  epochs: 10,
  batch: 128,
  peakRate: 0.1,
  momentum: 0.9,
  weightDecay: 1e-3,
}

const optimizer: Optimizer = { kind: 'sgd', momentum: exitSettings.momentum, nesterov: true }

/** What a head gives for labelled images, with each image's label. */
export interface LabelledLatents {
  /** `[count, ...dims]` float32 */
  readonly values: Float32Array
  readonly dims: readonly number[]
  readonly labels: Uint8Array
}

/** The latents of one head behind those of another. */
export function joined(parts: readonly LabelledLatents[]): LabelledLatents {
  const [first] = parts as [LabelledLatents]
  const length = parts.reduce((sum, { values }) => sum + values.length, 0)
  const values = new Float32Array(length)
  const labels = new Uint8Array(length / elementCount(first.dims))
  let at = 0
  for (const part of parts) {
    values.set(part.values, at)
    labels.set(part.labels, at / elementCount(first.dims))
    at += part.values.length
  }
  return { values, dims: first.dims, labels }
}

/**
 * The raw latents of `images`, as a device has them before the quantiser; with `mirrored` those of the mirror images are
 * behind them.
 */
export async function latentsOf(
  head: Session,
  images: LabelledImages,
  latent: { readonly name: string; readonly dims: readonly number[] },
  mirrored: boolean,
): Promise<LabelledLatents> {
  const { count, channels, height, width, labels } = images
  const sides = mirrored ? 2 : 1
  const size = elementCount(latent.dims)
  const values = new Float32Array(sides * count * size)
  // Two epochs of alternating flips show each image from both sides.
  const fill = batchFiller(images, { ...normalisation, flip: mirrored ? 'alternating' : 'none' })
  const batch = 250
  for (let side = 0; side < sides; side++) {
    for (let start = 0; start < count; start += batch) {
      const rows = Math.min(batch, count - start)
      const data = new Float32Array(rows * channels * height * width)
      const indices = Uint32Array.from({ length: rows }, (_, row) => start + row)
      fill(indices, side, data)
      const results = await head.run({
        [head.inputs[0]!.name]: { dtype: 'float32', dims: [rows, channels, height, width], data },
      })
      values.set(results[latent.name]!.data as Float32Array, (side * count + start) * size)
    }
  }
  const repeated = new Uint8Array(sides * count)
  for (let side = 0; side < sides; side++) repeated.set(labels, side * count)
  return { values, dims: latent.dims, labels: repeated }
}

/** By step, `latent` [batch,...dims] and `targets` [batch,classes], in a new order at each pass over the latents. */
export function latentBatches(
  { values, dims, labels }: LabelledLatents,
  batch: number,
  classes: number,
  seed: number,
): (step: number) => { latent: Tensor; targets: Tensor } {
  const size = elementCount(dims)
  const perPass = Math.floor(labels.length / batch)
  const order = new Uint32Array(labels.length)
  let shuffled = -1
  const data = new Float32Array(batch * size)
  const targets = new Float32Array(batch * classes)
  return (step) => {
    const pass = Math.floor(step / perPass)
    if (pass !== shuffled) shuffledIndices(labels.length, seededRandom(seed, pass), order)
    shuffled = pass
    targets.fill(0)
    for (let row = 0; row < batch; row++) {
      const index = order[(step % perPass) * batch + row]!
      data.set(values.subarray(index * size, (index + 1) * size), row * size)
      targets[row * classes + labels[index]!] = 1
    }
    return {
      latent: { dtype: 'float32', dims: [batch, ...dims], data },
      targets: { dtype: 'float32', dims: [batch, classes], data: targets },
    }
  }
}

/** `latent` [N,...dims] → `logits` [N,classes], normalisation folded in; the names are the bundle's. */
export function exitModel(
  weights: ReadonlyMap<string, ConstantTensor>,
  latent: { readonly name: string; readonly dims: readonly number[] },
  output: string,
  classes: number,
): Model {
  const net = new NetBuilder('exit', { random: seededRandom(0), weights })
  const x = net.g.input(latent.name, 'float32', ['N', ...latent.dims])
  const sizes = { latent: latent.dims, width: exitSettings.width, classes }
  net.g.output(exitNet(net, x, sizes), output, 'float32', ['N', classes])
  return foldBatchNorm(net.build())
}

/** Trains the exit on frozen heads' latents of `images` images, each of them seen in several ways. */
export async function trainExit(
  { values, dims, labels }: LabelledLatents,
  images: number,
  classes: number,
  context: RecipeContext,
  identity: object,
): Promise<Trained> {
  const { seed, width, epochs, batch, peakRate, weightDecay } = exitSettings
  const net = new NetBuilder('exit', { random: seededRandom(seed), training: true })
  const x = net.g.input('latent', 'float32', [batch, ...dims])
  const wanted = net.g.input('targets', 'float32', [batch, classes])
  net.g.output(net.crossEntropy(exitNet(net, x, { latent: dims, width, classes }), wanted, batch), 'loss')
  const step = compileTrainingStep(net.build(), {
    loss: 'loss',
    inputDims: { latent: [batch, ...dims], targets: [batch, classes] },
    optimizer,
    groups: [
      { name: 'kernels', parameters: net.kernels, weightDecay },
      { name: 'vectors', parameters: net.vectors },
    ],
  })
  const batches = latentBatches({ values, dims, labels }, batch, classes, seed)
  const steps = epochs * Math.floor(images / batch)
  const { state, elapsedS } = await runTraining({
    step,
    optimizer,
    steps,
    itemsPerStep: batch,
    rate: triangle(peakRate, steps),
    batch: batches,
    ...context.phase('exit', { ...exitSettings, ...identity }),
  })
  return { weights: step.parameters(state), elapsedS }
}
