import { compileTrainingStep, type Optimizer } from '../autodiff/index.ts'
import { type Cifar10, cifar10Mean, cifar10Std, seededRandom } from '../data/index.ts'
import {
  bottleFitDecoder,
  embedModel,
  factorizedPrior,
  gains,
  NetBuilder,
  type SlimmableEncoderSizes,
  slimmableEncoder,
  teacherEnd,
} from '../nets/index.ts'
import { type ConstantTensor, elementCount, GraphBuilder, type Model } from '../onnx/index.ts'
import type { Tensor } from '../runtime/index.ts'
import { imageBatches, runTraining, stepsPerEpoch, triangle } from '../train/index.ts'
import { averagedRounds } from './averaged-rounds.ts'
import { type RateTier, rateTiers } from './rate-tiers.ts'
import type { RecipeContext, Trained } from './recipe.ts'
import { latentDims, studentWidths } from './student-training.ts'
import { teacherWidths } from './teacher-training.ts'

type Weights = ReadonlyMap<string, ConstantTensor>

export const encoderSizes: SlimmableEncoderSizes = {
  stem: 44,
  body: 60,
  blocks: 1,
  latent: studentWidths.latent,
}

/** The widths of the encoder that can be chosen while it runs. */
export const encoderWidths = [1, 0.5] as const

/** What the training depends on, besides the code, the teacher and the student: recorded in the bundle. */
export const slimmableSettings = {
  name: 'slimmable',
  seed: 4,
  batch: 128,
  /** Of each batch so many frames go through the narrow encoder, the others through the wide one. */
  narrowRows: 24,
  /** So many of the wide frames lose all channels from a random one on, so that a prefix of the latent is enough. */
  prefixRows: 8,
  imitateEpochs: 42,
  imitatePeakRate: 4e-3,
  fineTuneEpochs: 10,
  /** Gentle: decoder and tail come from the student, and are worth keeping. */
  fineTunePeakRate: 0.03,
  /** A second round from where the first has ended; the weights of both ends are averaged. */
  restartEpochs: 8,
  restartPeakRate: 0.03,
  /** Steps that only measure the running statistics of the averaged weights. */
  statisticsSteps: 120,
  weightDecay: 8e-4,
  /** Prior and gains start from nothing. */
  rateScaleOfRates: 5,
  labelShare: 0.5,
  padPx: 3,
}

const normalisation = { mean: cifar10Mean, std: cifar10Std }
const adam: Optimizer = { kind: 'adam' }
const sgd: Optimizer = { kind: 'sgd', momentum: 0.9, nesterov: true }
const { batch, narrowRows, prefixRows, seed, padPx } = slimmableSettings
const perChannel = elementCount(latentDims.slice(1))

/**
 * First the small encoder, at both widths, learns to give what the student's larger encoder gives: cheap, since no server part
 * takes part in it.
 */
export async function imitateHead(data: Cifar10, head: Model, context: RecipeContext): Promise<Trained> {
  const { imitateEpochs, imitatePeakRate } = slimmableSettings
  // What the later stage does with it leaves this one as it is.
  const imitation = { seed, batch, imitateEpochs, imitatePeakRate, padPx, ...encoderSizes }
  const g = new GraphBuilder('cifar10-imitation', 17)
  const input = g.input('input', 'float32', [batch, 3, 32, 32])
  const [wanted] = embedModel(g, head, { input }, 'student/') as [string]
  const net = new NetBuilder('encoder', { random: seededRandom(seed), training: true, graph: g })
  const errors = encoderWidths.map((width) =>
    net.squaredError(
      slimmableEncoder(net, input, encoderSizes, width),
      wanted,
      batch * elementCount(latentDims),
    ),
  )
  g.output(
    errors.reduce((sum, error) => net.add(sum, error)),
    'loss',
  )
  const step = compileTrainingStep(g.build(), {
    loss: 'loss',
    inputDims: { input: [batch, 3, 32, 32] },
    optimizer: adam,
    groups: [
      { name: 'kernels', parameters: net.kernels },
      { name: 'vectors', parameters: net.vectors },
    ],
  })
  const steps = imitateEpochs * stepsPerEpoch(data.train, batch)
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
    rate: triangle(imitatePeakRate, steps),
    batch: (at) => ({ input: batches(at).images }),
    ...context.phase('imitation', imitation, 'slimmable, stage 1: imitation'),
  })
  return { weights: step.parameters(state), elapsedS }
}

/**
 * Encoder, gains, prior, decoder and tail together on `targets` ([count, 10] probabilities): each frame at a rate of its own, from
 * the first tier to the last, pays λ for each bit of its rounded latent; some frames go through the narrow encoder, some keep only
 * a prefix of their channels.
 */
export function fineTuningStep(weights: Weights, tiers: readonly RateTier[]) {
  const [channels] = latentDims as [number]
  const g = new GraphBuilder('cifar10-rate-training', 17)
  const input = g.input('input', 'float32', [batch, 3, 32, 32])
  const wanted = g.input('targets', 'float32', [batch, 10])
  const mix = g.input('mix', 'float32', [batch, tiers.length])
  const price = g.input('price', 'float32', [batch, 1])
  const kept = g.input('kept', 'float32', [batch, channels])
  const noise = g.input('noise', 'float32', [batch, ...latentDims])
  const net = new NetBuilder('slimmable', { random: seededRandom(seed), training: true, graph: g, weights })
  const wideRows = batch - narrowRows
  const rows = (from: number, to: number) => g.op('Slice', [input, g.ints([from]), g.ints([to]), g.ints([0])])
  const latents = [
    slimmableEncoder(net, rows(0, wideRows), encoderSizes, encoderWidths[0]),
    slimmableEncoder(net, rows(wideRows, batch), encoderSizes, encoderWidths[1]),
  ]
  const latent = g.op('Concat', latents, { axis: 0 })
  const { gain, inverse } = gains(net, mix, { batch, channels, start: tiers.map((tier) => tier.gain) })
  const scaled = g.op('Mul', [latent, gain])
  const bits = factorizedPrior(
    net,
    g.op('Add', [scaled, noise]),
    { batch, channels, perChannel, tiers: tiers.length, plane: latentDims.slice(1) as [number, number] },
    mix,
  )
  const mask = g.op('Reshape', [kept, g.ints([batch, channels, 1, 1])])
  const received = g.op('Mul', [g.op('Mul', [g.op('Round', [scaled]), inverse]), mask])
  const decoded = bottleFitDecoder(net, received, studentWidths, teacherWidths.group2)
  const { logits } = teacherEnd(net, decoded, teacherWidths)
  const paid = g.op('ReduceSum', [g.op('Mul', [g.op('Mul', [bits, kept]), price])], { keepdims: 0 })
  g.output(net.add(net.crossEntropy(logits, wanted, batch), g.op('Mul', [paid, g.scalar(1 / batch)])), 'loss')
  const { weightDecay, rateScaleOfRates } = slimmableSettings
  const isOfRates = (name: string) => name.startsWith('prior.') || name.startsWith('gain.')
  return compileTrainingStep(g.build(), {
    loss: 'loss',
    inputDims: {
      input: [batch, 3, 32, 32],
      targets: [batch, 10],
      mix: [batch, tiers.length],
      price: [batch, 1],
      kept: [batch, channels],
      noise: [batch, ...latentDims],
    },
    optimizer: sgd,
    groups: [
      { name: 'kernels', parameters: net.kernels, weightDecay },
      { name: 'vectors', parameters: net.vectors.filter((name) => !isOfRates(name)) },
      { name: 'rates', parameters: net.vectors.filter(isOfRates), rateScale: rateScaleOfRates },
    ],
  })
}

/** Above 1, fine rates are drawn more often than coarse ones. */
const FINE_BIAS = 1.5

/** What a step draws for each frame beside its image: rate, price of a bit, channels kept, rounding noise. */
function rateFeeds(tiers: readonly RateTier[]) {
  const [channels] = latentDims as [number]
  const wideRows = batch - narrowRows
  const mix = new Float32Array(batch * tiers.length)
  const price = new Float32Array(batch)
  const kept = new Float32Array(batch * channels)
  const noise = new Float32Array(batch * elementCount(latentDims))
  return (step: number): Record<string, Tensor> => {
    const random = seededRandom(seed, 77, step)
    mix.fill(0)
    kept.fill(1)
    for (let row = 0; row < batch; row++) {
      const place = random.uniform() ** FINE_BIAS * (tiers.length - 1)
      const tier = Math.min(tiers.length - 2, Math.floor(place))
      const share = place - tier
      mix[row * tiers.length + tier] = 1 - share
      mix[row * tiers.length + tier + 1] = share
      price[row] = tiers[tier]!.bitPrice ** (1 - share) * tiers[tier + 1]!.bitPrice ** share
      if (row < wideRows && row >= wideRows - prefixRows) {
        kept.fill(0, row * channels + 1 + random.below(channels - 1), (row + 1) * channels)
      }
    }
    for (let at = 0; at < noise.length; at++) noise[at] = random.uniform() - 0.5
    return {
      mix: { dtype: 'float32', dims: [batch, tiers.length], data: mix },
      price: { dtype: 'float32', dims: [batch, 1], data: price },
      kept: { dtype: 'float32', dims: [batch, channels], data: kept },
      noise: { dtype: 'float32', dims: [batch, ...latentDims], data: noise },
    }
  }
}

/** Stage 2 over all training images, in two rounds whose ends are averaged. */
export async function fineTuneSlimmable(
  data: Cifar10,
  targets: Float32Array,
  weights: Weights,
  context: RecipeContext,
): Promise<Trained> {
  const { fineTuneEpochs, fineTunePeakRate, restartEpochs, restartPeakRate } = slimmableSettings
  const step = fineTuningStep(weights, rateTiers)
  const batches = imageBatches(data.train, {
    ...normalisation,
    batch,
    classes: 10,
    softLabels: targets,
    seed: seed + 1,
    flip: 'alternating',
    padPx,
  })
  const feeds = rateFeeds(rateTiers)
  const training = {
    step,
    optimizer: sgd,
    itemsPerStep: batch,
    batch: (at: number) => {
      const { images, targets: probabilities } = batches(at)
      return { input: images, targets: probabilities, ...feeds(at) }
    },
  }
  const phase = (name: string) =>
    context.phase(name, { ...slimmableSettings, rateTiers }, `slimmable, stage 2: ${name}`)
  const epoch = stepsPerEpoch(data.train, batch)
  const rounds = [
    { name: 'fine-tuning', steps: fineTuneEpochs * epoch, peakRate: fineTunePeakRate },
    { name: 'restart', steps: restartEpochs * epoch, peakRate: restartPeakRate },
  ] as const
  const { state, elapsedS } = await averagedRounds(training, phase, rounds, slimmableSettings.statisticsSteps)
  return { weights: step.parameters(state), elapsedS }
}
