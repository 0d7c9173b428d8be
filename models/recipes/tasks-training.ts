import { compileTrainingStep, type Optimizer } from '../autodiff/index.ts'
import { seededRandom } from '../data/index.ts'
import { foldBatchNorm, foldSlices, NetBuilder, type TaskDecoderSizes, taskDecoder } from '../nets/index.ts'
import { type ConstantTensor, float32Tensor, type Model } from '../onnx/index.ts'
import { runTraining, triangle } from '../train/index.ts'
import { type LabelledLatents, latentBatches } from './exit-training.ts'
import type { RecipeContext, Trained } from './recipe.ts'

/** What the training of the decoders depends on, besides the code and the head. */
export const tasksSettings = {
  name: 'tasks',
  seed: 13,
  epochs: 6,
  batch: 128,
  peakRate: 0.1,
  momentum: 0.9,
  weightDecay: 1e-3,
}

/** Shares of the full width that a decoder can run at. */
export const widths = [1, 0.5]

/** A task on the shared latent: which of its own classes each class of the data is. */
export interface LatentTask {
  readonly sizes: TaskDecoderSizes
  /** Of its own classes. */
  readonly labels: readonly string[]
  readonly of: readonly number[]
}

const optimizer: Optimizer = { kind: 'sgd', momentum: tasksSettings.momentum, nesterov: true }

/** One decoder at one width: `latent` → `logits`, with nothing of the wider one in it. */
export function taskModel(
  weights: ReadonlyMap<string, ConstantTensor>,
  { sizes }: LatentTask,
  width: number,
): Model {
  const net = new NetBuilder(`${sizes.task}@${width}`, { random: seededRandom(0), weights })
  const latent = net.g.input('latent', 'float32', ['N', ...sizes.latent])
  net.g.output(taskDecoder(net, latent, sizes, width), 'logits', 'float32', ['N', sizes.classes])
  return foldBatchNorm(foldSlices(net.build()))
}

/**
 * Trains the decoders of all tasks at all widths together on a frozen head's latents: the sum of their cross-entropies at
 * every step (the sandwich rule of arXiv 1903.05134; with two widths, both are its slices).
 */
export async function trainTasks(
  latents: LabelledLatents,
  images: number,
  tasks: readonly LatentTask[],
  context: RecipeContext,
  identity: object,
): Promise<Trained> {
  const { seed, epochs, batch, peakRate, weightDecay } = tasksSettings
  const classes = tasks[0]!.of.length
  const net = new NetBuilder('tasks', { random: seededRandom(seed), training: true })
  const latent = net.g.input('latent', 'float32', [batch, ...latents.dims])
  const wanted = net.g.input('targets', 'float32', [batch, classes])
  const losses = tasks.flatMap(({ sizes, of }) => {
    const own = net.g.op('MatMul', [wanted, net.g.constant(membership(of, sizes.classes))])
    return widths.map((width) => net.crossEntropy(taskDecoder(net, latent, sizes, width), own, batch))
  })
  net.g.output(
    losses.reduce((sum, loss) => net.add(sum, loss)),
    'loss',
  )
  const step = compileTrainingStep(net.build(), {
    loss: 'loss',
    inputDims: { latent: [batch, ...latents.dims], targets: [batch, classes] },
    optimizer,
    groups: [
      { name: 'kernels', parameters: net.kernels, weightDecay },
      { name: 'vectors', parameters: net.vectors },
    ],
  })
  const steps = epochs * Math.floor(images / batch)
  const { state, elapsedS } = await runTraining({
    step,
    optimizer,
    steps,
    itemsPerStep: batch,
    rate: triangle(peakRate, steps),
    batch: latentBatches(latents, batch, classes, seed),
    ...context.phase('tasks', { ...tasksSettings, ...identity }),
  })
  return { weights: step.parameters(state), elapsedS }
}

/** [classes, own]: 1 where a class of the data is a class of the task. */
function membership(of: readonly number[], own: number): ConstantTensor {
  const values = new Float32Array(of.length * own)
  of.forEach((mine, label) => {
    values[label * own + mine] = 1
  })
  return float32Tensor(values, [of.length, own])
}
