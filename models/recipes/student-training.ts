import { compileTrainingStep, type Optimizer } from '../autodiff/index.ts'
import { batchFiller, type Cifar10, cifar10Mean, cifar10Std, seededRandom } from '../data/index.ts'
import {
  type BottleFitWidths,
  bottleFitDecoder,
  bottleFitEncoder,
  foldBatchNorm,
  NetBuilder,
  teacher,
  teacherEnd,
} from '../nets/index.ts'
import { type ConstantTensor, GraphBuilder, type Model, writeModel } from '../onnx/index.ts'
import { openSession } from '../runtime/index.ts'
import { imageBatches, runTraining, stepsPerEpoch, triangle } from '../train/index.ts'
import { averagedRounds } from './averaged-rounds.ts'
import type { RecipeContext, Trained } from './recipe.ts'
import { teacherWidths } from './teacher-training.ts'

type Weights = ReadonlyMap<string, ConstantTensor>

export const studentWidths: BottleFitWidths = { stem: 32, body: 64, latent: 10, decoder: 192 }

/** Shape of the bottleneck: 490 values, so 490 bytes at 8 bits. */
export const latentDims: readonly number[] = [studentWidths.latent, 7, 7]

/** What the student's training depends on, besides the code and the teacher: recorded in the bundle. */
export const studentSettings = {
  name: 'student',
  seed: 3,
  batch: 128,
  distillEpochs: 3,
  distillPeakRate: 2e-3,
  fineTuneEpochs: 24,
  fineTunePeakRate: 0.1,
  /** A second, gentler round from where the first has ended; the weights of both ends are averaged. */
  restartEpochs: 8,
  restartPeakRate: 0.04,
  /** Steps that only measure the running statistics of the averaged weights. */
  statisticsSteps: 120,
  fineTuneWeightDecay: 8e-4,
  /** Share of the label in the fine-tuning target; the rest is the teacher's answer. */
  labelShare: 0.5,
  padPx: 3,
}

const normalisation = { mean: cifar10Mean, std: cifar10Std }
const adam: Optimizer = { kind: 'adam' }
const sgd: Optimizer = { kind: 'sgd', momentum: 0.9, nesterov: true }

/** The device's part: `input` [N,3,32,32] → `latent` [N,10,7,7], raw convolution output, normalisations folded in. */
export function headModel(weights: Weights): Model {
  const net = new NetBuilder('cifar10-head', { random: seededRandom(0), weights })
  const input = net.g.input('input', 'float32', ['N', 3, 32, 32])
  net.g.output(bottleFitEncoder(net, input, studentWidths), 'latent', 'float32', ['N', ...latentDims])
  return foldBatchNorm(net.build())
}

/** The server's part: `latent` [N,10,7,7] → `logits` [N,10]. */
export function tailModel(weights: Weights): Model {
  const net = new NetBuilder('cifar10-tail', { random: seededRandom(0), weights })
  const latent = net.g.input('latent', 'float32', ['N', ...latentDims])
  const decoded = bottleFitDecoder(net, latent, studentWidths, teacherWidths.group2)
  net.g.output(teacherEnd(net, decoded, teacherWidths).logits, 'logits', 'float32', ['N', 10])
  return net.build()
}

/** The teacher, frozen, in a graph of its own names. */
function frozenTeacher(g: GraphBuilder, input: string, weights: Weights) {
  const net = new NetBuilder('teacher', { random: seededRandom(0), weights, graph: g, prefix: 'teacher/' })
  return { net, ...teacher(net, input, teacherWidths, () => weights.get('whitening.weight')!) }
}

/**
 * Stage 1, generalised head network distillation (BottleFit section 3; GHND, arXiv 2007.15818): encoder and decoder
 * learn to give the teacher's own features behind its second and, through the frozen tail, its third group.
 */
export async function distilHead(
  data: Cifar10,
  teacherWeights: Weights,
  context: RecipeContext,
): Promise<Trained> {
  const { seed, batch, distillEpochs, distillPeakRate, padPx } = studentSettings
  const g = new GraphBuilder('cifar10-distillation', 17)
  const input = g.input('input', 'float32', [batch, 3, 32, 32])
  const target = frozenTeacher(g, input, teacherWeights)
  const student = new NetBuilder('student', { random: seededRandom(seed), training: true, graph: g })
  const latent = bottleFitEncoder(student, input, studentWidths)
  const group2 = bottleFitDecoder(student, latent, studentWidths, teacherWidths.group2)
  const { group3 } = teacherEnd(target.net, group2, teacherWidths)
  const errors = [
    student.squaredError(group2, target.group2, batch),
    student.squaredError(group3, target.group3, batch),
  ]
  g.output(student.add(errors[0]!, errors[1]!), 'loss')
  const step = compileTrainingStep(g.build(), {
    loss: 'loss',
    inputDims: { input: [batch, 3, 32, 32] },
    optimizer: adam,
    groups: [
      { name: 'kernels', parameters: student.kernels },
      { name: 'vectors', parameters: student.vectors },
    ],
  })
  const steps = distillEpochs * stepsPerEpoch(data.train, batch)
  const batches = imageBatches(data.train, {
    ...normalisation,
    batch,
    classes: 10,
    seed,
    flip: 'alternating',
    padPx,
  })
  const { state, elapsedS } = await runTraining({
    step,
    optimizer: adam,
    steps,
    itemsPerStep: batch,
    rate: triangle(distillPeakRate, steps),
    batch: (at) => ({ input: batches(at).images }),
    ...context.phase('distillation', studentSettings, 'student, stage 1: head distillation'),
  })
  return { weights: step.parameters(state), elapsedS }
}

/** What the head gives for the first 2,000 training images, as they are. */
export async function trainingLatents(data: Cifar10, weights: Weights): Promise<Float32Array> {
  const session = await openSession(writeModel(headModel(weights)), { intraOpThreads: 2 })
  const count = 2000
  const images = new Float32Array(count * 3 * 32 * 32)
  batchFiller(data.train, normalisation)(
    Uint32Array.from({ length: count }, (_, index) => index),
    0,
    images,
  )
  const { latent } = await session.run({
    input: { dtype: 'float32', dims: [count, 3, 32, 32], data: images },
  })
  await session.dispose()
  return latent!.data as Float32Array
}

/** A static range that holds all but one in 10,000 values on each side. */
export function staticRange(latents: Float32Array): { scale: number; zeroPoint: number } {
  const sorted = latents.slice().sort()
  const outside = Math.floor(sorted.length * 1e-4)
  const low = Math.min(0, sorted[outside]!)
  const high = Math.max(0, sorted[sorted.length - 1 - outside]!)
  const scale = Math.fround((high - low) / 255)
  return { scale, zeroPoint: Math.round(-low / scale) }
}

/**
 * Stage 2: encoder, decoder and tail are fine-tuned together on `targets` (the teacher's answers mixed with the
 * labels, [count, 10]), with the bottleneck rounded as it will be on the wire; in two rounds, whose ends are averaged
 * (stochastic weight averaging, Izmailov et al., arXiv 1803.05407).
 */
export async function fineTune(
  data: Cifar10,
  targets: Float32Array,
  teacherWeights: Weights,
  distilled: Weights,
  range: { scale: number; zeroPoint: number },
  context: RecipeContext,
): Promise<Trained> {
  const { seed, batch, fineTuneEpochs, fineTunePeakRate, fineTuneWeightDecay, padPx } = studentSettings
  const { restartEpochs, restartPeakRate, statisticsSteps } = studentSettings
  const g = new GraphBuilder('cifar10-fine-tuning', 17)
  const input = g.input('input', 'float32', [batch, 3, 32, 32])
  const wanted = g.input('targets', 'float32', [batch, 10])
  const student = new NetBuilder('student', {
    random: seededRandom(seed),
    training: true,
    graph: g,
    weights: new Map([...teacherWeights, ...distilled]),
  })
  const latent = bottleFitEncoder(student, input, studentWidths)
  const received = student.fakeQuantize(latent, range.scale, range.zeroPoint)
  const group2 = bottleFitDecoder(student, received, studentWidths, teacherWidths.group2)
  const { logits } = teacherEnd(student, group2, teacherWidths)
  g.output(student.crossEntropy(logits, wanted, batch), 'loss')
  const step = compileTrainingStep(g.build(), {
    loss: 'loss',
    inputDims: { input: [batch, 3, 32, 32], targets: [batch, 10] },
    optimizer: sgd,
    groups: [
      { name: 'kernels', parameters: student.kernels, weightDecay: fineTuneWeightDecay },
      { name: 'vectors', parameters: student.vectors },
    ],
  })
  const batches = imageBatches(data.train, {
    ...normalisation,
    batch,
    classes: 10,
    softLabels: targets,
    seed: seed + 1,
    flip: 'alternating',
    padPx,
  })
  const training = {
    step,
    optimizer: sgd,
    itemsPerStep: batch,
    batch: (at: number) => {
      const { images, targets: probabilities } = batches(at)
      return { input: images, targets: probabilities }
    },
  }
  const phase = (name: string) =>
    context.phase(name, { ...studentSettings, ...range }, `student, stage 2: ${name}`)
  const epoch = stepsPerEpoch(data.train, batch)
  const rounds = [
    { name: 'fine-tuning', steps: fineTuneEpochs * epoch, peakRate: fineTunePeakRate },
    { name: 'restart', steps: restartEpochs * epoch, peakRate: restartPeakRate },
  ] as const
  const { state, elapsedS } = await averagedRounds(training, phase, rounds, statisticsSteps)
  return { weights: step.parameters(state), elapsedS }
}
