import { compileTrainingStep, type Optimizer, type TrainingStep } from '../autodiff/index.ts'
import { seededRandom } from '../data/index.ts'
import { embedModel, factorizedPrior, gains, NetBuilder } from '../nets/index.ts'
import { type ConstantTensor, float32Tensor, GraphBuilder, type Model } from '../onnx/index.ts'
import type { PairShape } from './geometry.ts'
import { pairDecoder, pairEncoder } from './pair.ts'
import type { RateTier } from './rates.ts'

/** A place in the teacher at which the student is compared with it. */
export interface MatchedPoint {
  readonly tensor: string
  /** Channels, height, width. */
  readonly dims: readonly number[]
  /** Mean square of the teacher's values around their mean: errors are given as a part of it. */
  readonly variance: number
}

/** What both stages of the training have in common. */
export interface StudentPlan {
  readonly shape: PairShape
  /** The map at the cut never falls below zero. */
  readonly positive: boolean
  /** The cut first, then later ones. */
  readonly points: readonly MatchedPoint[]
  /** The teacher between the points, and behind the last. */
  readonly pieces: readonly Model[]
  readonly answer: { readonly classes: number; readonly kind: 'logits' | 'probabilities' }
  readonly tiers: readonly RateTier[]
  readonly pixels: { readonly mean: readonly number[]; readonly std: readonly number[] }
  readonly seed: number
}

export interface StageOptions {
  readonly batch: number
  readonly optimizer: Optimizer
  /** Whether the whole tail is run and its answers are compared with the teacher's, too. */
  readonly answers: boolean
  /** The decoder gets rounded values, with straight-through gradients, instead of values with noise. */
  readonly rounded: boolean
  /** What the errors at the points weigh beside the answers. */
  readonly featureWeight: number
  readonly weights?: ReadonlyMap<string, ConstantTensor>
}

/** With a few photos a step, running averages need many steps to tell what photos are like. */
const RUNNING_MOMENTUM = 0.98

/** Feeds of a step, by name: pixels uint8 [N,S,S,3], wanted maps float16, `answers`, `mix`, `price`, `noise`. */
export const wantedName = (point: number): string => `wanted${point}`

/**
 * One training step of encoder, rate model and decoder, with the teacher's own operators behind them frozen. The loss is the squared error at
 * each point as a part of the teacher's variance there (generalised head network distillation, arXiv 2007.15818), the cross-entropy with the
 * teacher's answers, and the price of the bits that each frame's latent costs.
 */
export function studentStep(plan: StudentPlan, options: StageOptions): TrainingStep {
  const { shape, points, tiers, answer } = plan
  const { batch } = options
  const { channels, side } = shape.latent
  const opset = Math.max(17, ...plan.pieces.map((piece) => piece.opsets[''] ?? 0))
  const g = new GraphBuilder('bottleneck-training', opset)
  const inputDims: Record<string, number[]> = {}
  const input = (name: string, dims: number[], dtype: 'float32' | 'float16' | 'uint8' = 'float32') => {
    inputDims[name] = dims
    return g.input(name, dtype, dims)
  }
  const net = new NetBuilder('student', {
    random: seededRandom(plan.seed),
    training: true,
    runningMomentum: RUNNING_MOMENTUM,
    graph: g,
    ...(options.weights && { weights: options.weights }),
  })

  const photo = normalised(g, input('pixels', [batch, shape.side, shape.side, 3], 'uint8'), plan.pixels)
  const latent = pairEncoder(net, photo, shape)
  const mix = input('mix', [batch, tiers.length])
  const start = tiers.map((tier) => tier.gain)
  const { gain, inverse } = gains(net, mix, { batch, channels, start })
  const scaled = g.op('Mul', [latent, gain])
  const noisy = g.op('Add', [scaled, input('noise', [batch, channels, side, side])])
  const sizes = { batch, channels, perChannel: side * side, tiers: tiers.length }
  const bits = g.op('ReduceSum', [factorizedPrior(net, noisy, sizes, mix), g.ints([1])], { keepdims: 1 })
  const sent = options.rounded ? g.op('Round', [scaled]) : noisy
  const decoded = pairDecoder(net, g.op('Mul', [sent, inverse]), shape, plan.positive)

  const errors: string[] = []
  let value = decoded
  for (const [at, { dims, variance }] of points.entries()) {
    if (at > 0) value = embedPiece(g, plan.pieces[at - 1]!, value, `teacher${at}/`)
    const half = input(wantedName(at), [batch, ...dims], 'float16')
    const error = net.squaredError(value, g.op('Cast', [half], { to: 1 }), batch)
    const elements = dims.reduce((product, dim) => product * dim, 1)
    errors.push(g.op('Mul', [error, g.scalar(1 / (elements * variance))]))
  }
  const feature = sum(g, errors)
  g.output(feature, 'featureError', 'float32', [])
  const perFrame = g.op('Mul', [bits, input('price', [batch, 1])])
  const paid = g.op('Mul', [
    g.op('ReduceSum', [perFrame], { keepdims: 0 }),
    g.scalar(1 / (batch * channels * side * side)),
  ])
  const terms = [g.op('Mul', [feature, g.scalar(options.featureWeight)]), paid]
  g.output(
    g.op('Mul', [g.op('ReduceSum', [bits], { keepdims: 0 }), g.scalar(1 / (8 * batch))]),
    'bytes',
    'float32',
    [],
  )
  const outputs = ['featureError', 'bytes']
  if (options.answers) {
    const given = embedPiece(g, plan.pieces.at(-1)!, value, 'tail/')
    const flat = g.op('Flatten', [given], { axis: 1 })
    const wanted = input('answers', [batch, answer.classes])
    // Probabilities become logits again by their logarithm; a floor keeps it finite.
    const logits = answer.kind === 'logits' ? flat : g.op('Log', [g.op('Add', [flat, g.scalar(1e-7)])])
    const difference = net.crossEntropy(logits, wanted, batch)
    g.output(difference, 'answerLoss', 'float32', [])
    outputs.push('answerLoss')
    terms.push(difference)
  }
  g.output(sum(g, terms), 'loss', 'float32', [])

  const isPrior = (name: string) => name.startsWith('prior.')
  const isGain = (name: string) => name.startsWith('gain.')
  return compileTrainingStep(g.build(), {
    loss: 'loss',
    inputDims,
    optimizer: options.optimizer,
    outputs,
    groups: [
      { name: 'kernels', parameters: net.kernels },
      { name: 'vectors', parameters: net.vectors.filter((name) => !isPrior(name) && !isGain(name)) },
      // The rate model follows the encoder, so it must be the faster of the two.
      { name: 'prior', parameters: net.vectors.filter(isPrior), rateScale: 5 },
      { name: 'gains', parameters: net.vectors.filter(isGain), rateScale: 2 },
    ],
  })
}

/** Pixels as the teacher's input has them, [N,3,S,S]. */
function normalised(g: GraphBuilder, pixels: string, { mean, std }: StudentPlan['pixels']): string {
  const values = g.op('Transpose', [g.op('Cast', [pixels], { to: 1 })], { perm: [0, 3, 1, 2] })
  const perChannel = (numbers: number[]) => g.constant(float32Tensor(numbers, [1, 3, 1, 1]))
  const scaled = g.op('Mul', [values, perChannel(std.map((each) => 1 / (255 * each)))])
  return g.op('Sub', [scaled, perChannel(mean.map((each, at) => each / std[at]!))])
}

function embedPiece(g: GraphBuilder, piece: Model, value: string, prefix: string): string {
  return embedModel(g, piece, { [piece.graph.inputs[0]!.name]: value }, prefix)[0]!
}

const sum = (g: GraphBuilder, terms: readonly string[]): string =>
  terms.reduce((total, term) => g.op('Add', [total, term]))
