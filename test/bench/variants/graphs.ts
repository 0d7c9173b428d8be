import { compileTrainingStep, type Optimizer, type TrainingStep } from '@isthmus/models/autodiff'
import { seededRandom } from '@isthmus/models/data'
import {
  addEnsembleMember,
  bottleFitDecoder,
  ensembleEncoder,
  factorizedPrior,
  foldBatchNorm,
  foldSlices,
  gains,
  NetBuilder,
  slimmableEncoder,
  type TeacherWidths,
  teacher,
  teacherEnd,
} from '@isthmus/models/nets'
import { type ConstantTensor, GraphBuilder, type Model } from '@isthmus/models/onnx'
import type { Variant } from './variant.ts'

export type Weights = ReadonlyMap<string, ConstantTensor>

export const latentDims = [10, 7, 7] as const
const [channels] = latentDims
export const batch = 128
const encoderSizes = { stem: 20, stemBlocks: 1, body: 54, blocks: 1, latent: channels }
/** Two of them take about the multiply-adds of the wide encoder's half. */
const memberSizes = { ...encoderSizes, stem: encoderSizes.stem / 2, body: encoderSizes.body / 2 }
const decoderWidths = { stem: 0, body: 0, latent: channels, decoder: 96 }

/** The shape of the teacher, read off its weights. */
export function teacherWidthsOf(weights: Weights): TeacherWidths {
  const outputs = (group: string) => weights.get(`${group}.conv2.weight`)!.dims[0]!
  return { group1: outputs('group1'), group2: outputs('group2'), group3: outputs('group3') }
}

/** What a variant's head makes of an image, at one width, before gain and rounding. */
function headOf(net: NetBuilder, input: string, variant: Variant, width: number, weights: Weights): string {
  if (variant.ensemble) return ensembleEncoder(net, input, memberSizes, width === 1 ? 2 : 1)
  if (!variant.behindTeacherHead) return slimmableEncoder(net, input, encoderSizes, width)
  const { group2 } = frozenTeacher(net.g, input, weights).taps
  const outputs = teacherWidthsOf(weights).group2
  const conv1 = net.conv('encoder.squeeze1', group2, outputs, 64, { kernel: 3, pad: 1 })
  const conv2 = net.conv('encoder.squeeze2', net.normRelu('encoder.squeeze1.norm', conv1, 64), 64, channels, {
    kernel: 1,
  })
  return net.norm('encoder.squeeze2.norm', conv2, channels)
}

function frozenTeacher(g: GraphBuilder, input: string, weights: Weights) {
  const net = new NetBuilder('teacher', { random: seededRandom(0), weights, graph: g, prefix: 'teacher/' })
  return { net, taps: teacher(net, input, teacherWidthsOf(weights), () => weights.get('whitening.weight')!) }
}

interface Stage {
  readonly number: 1 | 2
  readonly optimizer: Optimizer
  readonly weightDecay: number
}

/** Rows of a batch that go through each width. */
const rowsOf = ({ widths }: Variant): number[] => (widths.length === 1 ? [batch] : [80, batch - 80])

/**
 * One training step of a variant. Inputs: `input` [N,3,32,32], in stage 2 `targets` [N,10], and for the rate `mix` [N, tiers], `price` [N,1],
 * `noise` as the latent.
 */
export function variantStep(variant: Variant, weights: Weights, seed: number, stage: Stage): TrainingStep {
  const tiers = variant.tiers.length
  const g = new GraphBuilder(`${variant.name}-${stage.number}`, 17)
  const input = g.input('input', 'float32', [batch, 3, 32, 32])
  const mix = g.input('mix', 'float32', [batch, tiers])
  const price = g.input('price', 'float32', [batch, 1])
  const noise = g.input('noise', 'float32', [batch, ...latentDims])
  const net = new NetBuilder(variant.name, { random: seededRandom(seed), training: true, graph: g, weights })
  const teachers = teacherWidthsOf(weights)

  const isFrozen = variant.frozenEncoder === true && stage.number === 2
  // A frozen encoder keeps its statistics, too.
  const encoder = isFrozen ? new NetBuilder('frozen', { random: seededRandom(0), graph: g, weights }) : net
  const { latent, distance } = encoded(encoder, input, variant, weights)
  const start = variant.tiers.map((tier) => tier.gain)
  const { gain, inverse } = gains(net, mix, { batch, channels, start })
  const scaled = g.op('Mul', [latent, gain])
  const perChannel = latentDims[1] * latentDims[2]
  const noisy = g.op('Add', [scaled, noise])
  const bits = factorizedPrior(net, noisy, { batch, channels, perChannel, tiers }, mix)
  const rate = mean(g, g.op('Mul', [bits, price]))
  const received = g.op('Mul', [g.op('Round', [scaled]), inverse])
  const decoded = bottleFitDecoder(net, received, decoderWidths, teachers.group2)

  const losses = [rate]
  if (distance !== undefined) losses.push(g.op('Mul', [distance, g.scalar(variant.invariance!)]))
  if (stage.number === 1) losses.push(featureLoss(net, input, decoded, variant, weights))
  else {
    const targets = g.input('targets', 'float32', [batch, 10])
    losses.push(net.crossEntropy(teacherEnd(net, decoded, teachers).logits, targets, batch))
  }
  g.output(
    losses.reduce((sum, loss) => net.add(sum, loss)),
    'loss',
  )

  return compileTrainingStep(g.build(), {
    loss: 'loss',
    inputDims: {
      input: [batch, 3, 32, 32],
      ...(stage.number === 2 && { targets: [batch, 10] }),
      mix: [batch, tiers],
      price: [batch, 1],
      noise: [batch, ...latentDims],
    },
    optimizer: stage.optimizer,
    groups: [
      { name: 'kernels', parameters: net.kernels, weightDecay: stage.weightDecay },
      { name: 'vectors', parameters: net.vectors },
    ],
  })
}

/** The latents of a batch, and how far the narrow ones are from the wide ones of the same images. */
function encoded(net: NetBuilder, input: string, variant: Variant, weights: Weights) {
  const { g } = net
  const rows = (value: string, from: number, to: number) =>
    g.op('Slice', [value, g.ints([from]), g.ints([to]), g.ints([0])])
  const [wideRows, narrowRows] = rowsOf(variant) as [number, number?]
  const [wide, narrow] = variant.widths as [number, number?]
  if (narrow === undefined) return { latent: headOf(net, input, variant, wide, weights), distance: undefined }
  if (variant.ensemble) {
    // Both have the first member, which sees all rows in one pass: its statistics are the same for both.
    const first = ensembleEncoder(net, input, memberSizes, 1)
    const [own, seen] = [rows(first, 0, wideRows), rows(input, 0, wideRows)]
    const both = addEnsembleMember(net, own, seen, memberSizes, 2)
    const latent = g.op('Concat', [both, rows(first, wideRows, batch)], { axis: 0 })
    return { latent, distance: undefined }
  }
  const compares = (variant.invariance ?? 0) > 0
  const ofWide = headOf(net, compares ? input : rows(input, 0, wideRows), variant, wide, weights)
  const ofNarrow = headOf(net, rows(input, wideRows, batch), variant, narrow, weights)
  const latent = g.op('Concat', [compares ? rows(ofWide, 0, wideRows) : ofWide, ofNarrow], { axis: 0 })
  const pattern = compares ? net.stopGradient(rows(ofWide, wideRows, batch)) : undefined
  return { latent, distance: pattern && net.squaredError(ofNarrow, pattern, narrowRows!) }
}

function featureLoss(
  net: NetBuilder,
  input: string,
  decoded: string,
  variant: Variant,
  weights: Weights,
): string {
  const target = frozenTeacher(net.g, input, weights)
  // So that features weigh about as much beside the rate as answers do.
  const scaled = (value: string) => net.g.op('Mul', [value, net.g.scalar(1e-3)])
  const first = scaled(net.squaredError(decoded, target.taps.group2, batch))
  if (variant.stage1 === 'hnd') return first
  const { group3 } = teacherEnd(target.net, decoded, teacherWidthsOf(weights))
  return net.add(first, scaled(net.squaredError(group3, target.taps.group3, batch)))
}

const mean = (g: GraphBuilder, total: string): string =>
  g.op('Mul', [g.op('ReduceSum', [total], { keepdims: 0 }), g.scalar(1 / batch)])

/** The device's part of a trained variant at one width. */
export function variantHead(variant: Variant, weights: Weights, width: number): Model {
  const net = new NetBuilder('head', { random: seededRandom(0), weights })
  const input = net.g.input('input', 'float32', ['N', 3, 32, 32])
  net.g.output(headOf(net, input, variant, width, weights), 'latent', 'float32', ['N', ...latentDims])
  return foldBatchNorm(foldSlices(net.build()))
}

/** The server's part. */
export function variantTail(weights: Weights): Model {
  const net = new NetBuilder('tail', { random: seededRandom(0), weights })
  const latent = net.g.input('latent', 'float32', ['N', ...latentDims])
  const widths = teacherWidthsOf(weights)
  const decoded = bottleFitDecoder(net, latent, decoderWidths, widths.group2)
  net.g.output(teacherEnd(net, decoded, widths).logits, 'logits', 'float32', ['N', 10])
  return net.build()
}
