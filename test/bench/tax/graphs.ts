import { compileTrainingStep, type Optimizer, type TrainingStep } from '@isthmus/models/autodiff'
import { seededRandom } from '@isthmus/models/data'
import {
  bottleFitDecoder,
  embedModel,
  factorizedPrior,
  foldBatchNorm,
  foldSlices,
  gains,
  NetBuilder,
  slimmableEncoder,
  teacherEnd,
} from '@isthmus/models/nets'
import { GraphBuilder, type Model } from '@isthmus/models/onnx'
import { latentDims, teacherWidthsOf, type Weights } from '../variants/graphs.ts'
import { batch, type Member } from './member.ts'

const [channels, side] = latentDims
const perChannel = side * side
/** As the encoder that ships. */
const encoderSizes = { stem: 44, body: 60, blocks: 1, latent: channels }
const decoderWidths = { stem: 0, body: 0, latent: channels, decoder: 192 }

export const adam: Optimizer = { kind: 'adam' }
export const sgd: Optimizer = { kind: 'sgd', momentum: 0.9, nesterov: true }

/** The encoder alone learns to give what the student's larger one gives, at each of its widths. Input: `input` [N,3,32,32]. */
export function imitationStep({ widths }: Member, student: Model, seed: number): TrainingStep {
  const g = new GraphBuilder('imitation', 17)
  const input = g.input('input', 'float32', [batch, 3, 32, 32])
  const [wanted] = embedModel(g, student, { input }, 'student/') as [string]
  const net = new NetBuilder('encoder', { random: seededRandom(seed), training: true, graph: g })
  const errors = widths.map((width) =>
    net.squaredError(
      slimmableEncoder(net, input, encoderSizes, width),
      wanted,
      batch * channels * perChannel,
    ),
  )
  g.output(
    errors.reduce((sum, error) => net.add(sum, error)),
    'loss',
  )
  return compileTrainingStep(g.build(), {
    loss: 'loss',
    inputDims: { input: [batch, 3, 32, 32] },
    optimizer: adam,
    groups: [
      { name: 'kernels', parameters: net.kernels },
      { name: 'vectors', parameters: net.vectors },
    ],
  })
}

/**
 * Encoder, gains, prior, decoder and tail together on `targets` [N,10]. Further inputs, for each image: `mix` [N, tiers], `price`
 * [N,1], `kept` [N,channels], `noise` as the latents.
 */
export function fineTuningStep(member: Member, weights: Weights, seed: number): TrainingStep {
  const { widths, rows, tiers } = member
  const g = new GraphBuilder(member.name, 17)
  const input = g.input('input', 'float32', [batch, 3, 32, 32])
  const targets = g.input('targets', 'float32', [batch, 10])
  const mix = g.input('mix', 'float32', [batch, tiers.length])
  const price = g.input('price', 'float32', [batch, 1])
  const kept = g.input('kept', 'float32', [batch, channels])
  const noise = g.input('noise', 'float32', [batch, ...latentDims])
  const net = new NetBuilder(member.name, { random: seededRandom(seed), training: true, graph: g, weights })
  let first = 0
  const latents = widths.map((width, at) => {
    const [from, to] = [first, first + rows[at]!]
    first = to
    const own = g.op('Slice', [input, g.ints([from]), g.ints([to]), g.ints([0])])
    return slimmableEncoder(net, own, encoderSizes, width)
  })
  const latent = latents.length === 1 ? latents[0]! : g.op('Concat', latents, { axis: 0 })
  const { gain, inverse } = gains(net, mix, { batch, channels, start: tiers.map((tier) => tier.gain) })
  const scaled = g.op('Mul', [latent, gain])
  const sizes = { batch, channels, perChannel, tiers: tiers.length, plane: [side, side] as const }
  const bits = factorizedPrior(net, g.op('Add', [scaled, noise]), sizes, mix)
  const mask = g.op('Reshape', [kept, g.ints([batch, channels, 1, 1])])
  const received = g.op('Mul', [g.op('Mul', [g.op('Round', [scaled]), inverse]), mask])
  const widthsOfTail = teacherWidthsOf(weights)
  const decoded = bottleFitDecoder(net, received, decoderWidths, widthsOfTail.group2)
  const { logits } = teacherEnd(net, decoded, widthsOfTail)
  const paid = g.op('ReduceSum', [g.op('Mul', [g.op('Mul', [bits, kept]), price])], { keepdims: 0 })
  g.output(
    net.add(net.crossEntropy(logits, targets, batch), g.op('Mul', [paid, g.scalar(1 / batch)])),
    'loss',
  )
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
      { name: 'kernels', parameters: net.kernels, weightDecay: 8e-4 },
      { name: 'vectors', parameters: net.vectors.filter((name) => !isOfRates(name)) },
      { name: 'rates', parameters: net.vectors.filter(isOfRates), rateScale: 5 },
    ],
  })
}

/** The device's part at one width. */
export function headOf(weights: Weights, width: number): Model {
  const net = new NetBuilder('head', { random: seededRandom(0), weights })
  const input = net.g.input('input', 'float32', ['N', 3, 32, 32])
  net.g.output(slimmableEncoder(net, input, encoderSizes, width), 'latent', 'float32', ['N', ...latentDims])
  return foldBatchNorm(foldSlices(net.build()))
}

/** The server's part. */
export function tailOf(weights: Weights): Model {
  const net = new NetBuilder('tail', { random: seededRandom(0), weights })
  const latent = net.g.input('latent', 'float32', ['N', ...latentDims])
  const widths = teacherWidthsOf(weights)
  const decoded = bottleFitDecoder(net, latent, decoderWidths, widths.group2)
  net.g.output(teacherEnd(net, decoded, widths).logits, 'logits', 'float32', ['N', 10])
  return net.build()
}
