import { compileTrainingStep, type Optimizer } from '../autodiff/index.ts'
import { batchFiller, type LabelledImages, seededRandom, shuffledIndices } from '../data/index.ts'
import { exitNet, foldBatchNorm, NetBuilder } from '../nets/index.ts'
import { type ConstantTensor, elementCount, type Model } from '../onnx/index.ts'
import type { Session } from '../runtime/index.ts'
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

/** Trains the exit on a frozen head's latents. */
export async function trainExit(
  { values, dims, labels }: LabelledLatents,
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
  const size = elementCount(dims)
  const perPass = Math.floor(labels.length / batch)
  const order = new Uint32Array(labels.length)
  let shuffled = -1
  const data = new Float32Array(batch * size)
  const targets = new Float32Array(batch * classes)
  // Both sides of every image lie in `values`: one pass over it is two epochs.
  const steps = Math.round((epochs / 2) * perPass)
  const { state, elapsedS } = await runTraining({
    step,
    optimizer,
    steps,
    itemsPerStep: batch,
    rate: triangle(peakRate, steps),
    batch: (at) => {
      const pass = Math.floor(at / perPass)
      if (pass !== shuffled) shuffledIndices(labels.length, seededRandom(seed, pass), order)
      shuffled = pass
      targets.fill(0)
      for (let row = 0; row < batch; row++) {
        const index = order[(at % perPass) * batch + row]!
        data.set(values.subarray(index * size, (index + 1) * size), row * size)
        targets[row * classes + labels[index]!] = 1
      }
      return {
        latent: { dtype: 'float32', dims: [batch, ...dims], data },
        targets: { dtype: 'float32', dims: [batch, classes], data: targets },
      }
    },
    ...context.phase('exit', { ...exitSettings, ...identity }),
  })
  return { weights: step.parameters(state), elapsedS }
}
