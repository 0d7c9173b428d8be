import { floatAttribute, intAttribute, type Node } from '../../onnx/index.ts'
import { batchMean, batchVariance, passesThroughBatch } from '../batch-statistics.ts'
import type { GradientRule, Tape } from '../tape.ts'

const perChannel = (tape: Tape, vector: string, rank: number, channels: number): string =>
  tape.reshape(vector, [1, channels, ...Array(rank - 2).fill(1)])

/** scale·x + shift per channel, in one pass: batch normalisation with mean 0 and variance 1 is just that. */
function affine(tape: Tape, x: string, scale: string, shift: string, channels: number): string {
  const zeros = tape.builder.constant({
    dtype: 'float32',
    dims: [channels],
    bytes: new Uint8Array(4 * channels),
  })
  const ones = tape.builder.constant({
    dtype: 'float32',
    dims: [channels],
    bytes: new Uint8Array(new Float32Array(channels).fill(1).buffer),
  })
  return tape.op('BatchNormalization', [x, scale, shift, zeros, ones], {
    epsilon: { type: 'float', value: 0 },
  })
}

/**
 * Batch normalisation (Ioffe and Szegedy 2015). With batch statistics (training_mode = 1) the gradient by the
 * input is A·dy + B·x + D per channel; with fixed statistics it is A·dy.
 */
const batchNormalization: GradientRule = (tape, node, [dy, ...byStatistics]) => {
  if (byStatistics.some((gradient) => gradient !== undefined)) {
    throw tape.unsupported(node, 'the loss uses its mean or variance, which is not supported')
  }
  if (dy === undefined) return []
  if (passesThroughBatch(node)) return throughBatch(tape, node, dy)
  const [x, scale, bias, runningMean, runningVariance] = node.inputs as [
    string,
    string,
    string,
    string,
    string,
  ]
  const dims = tape.dims(x)
  const channels = dims[1]!
  const axes = dims.map((_, axis) => axis).filter((axis) => axis !== 1)
  const training = intAttribute(node, 'training_mode', 0) === 1
  const epsilon = tape.scalar(floatAttribute(node, 'epsilon', 1e-5))
  const mean = training ? (node.outputs[1] as string) : runningMean
  const variance = training ? (node.outputs[2] as string) : runningVariance
  if (training && floatAttribute(node, 'momentum', 0.9) !== 0) {
    throw tape.unsupported(
      node,
      'in training mode its momentum must be 0, so that it returns the batch statistics',
    )
  }
  const needsX = tape.needs(x)
  const needsScale = tape.needs(scale)
  const inverse = tape.op('Reciprocal', [tape.op('Sqrt', [tape.add(variance, epsilon)])])
  const gain = tape.mul(scale, inverse)
  const scaled = () => tape.mul(dy, perChannel(tape, gain, dims.length, channels))
  if (!training && !needsScale) {
    return [
      needsX ? scaled() : undefined,
      undefined,
      tape.needs(bias) ? tape.sum(dy, axes, false) : undefined,
    ]
  }
  const sumDy = tape.sum(dy, axes, false)
  const sumDyX = tape.sum(tape.mul(dy, x), axes, false)
  const scaleGradient = tape.mul(inverse, tape.sub(sumDyX, tape.mul(mean, sumDy)))
  const inputGradient = () => {
    if (!training) return scaled()
    const count = dims.reduce((product, dim) => product * dim, 1) / channels
    const byX = tape.scale(tape.mul(gain, tape.mul(inverse, scaleGradient)), -1 / count)
    const shift = tape.sub(tape.scale(tape.mul(gain, sumDy), -1 / count), tape.mul(byX, mean))
    return tape.add(scaled(), affine(tape, x, byX, shift, channels))
  }
  return [
    needsX ? inputGradient() : undefined,
    needsScale ? scaleGradient : undefined,
    tape.needs(bias) ? sumDy : undefined,
  ]
}

/**
 * Batch renormalisation with its corrections held: by scale and shift as with running statistics, by the input as with those of
 * the batch, A·dy + B·x + D per channel.
 */
function throughBatch(tape: Tape, node: Node, dy: string): (string | undefined)[] {
  const [x, scale, bias, runningMean, runningVariance] = node.inputs as [
    string,
    string,
    string,
    string,
    string,
  ]
  const dims = tape.dims(x)
  const channels = dims[1]!
  const axes = dims.map((_, axis) => axis).filter((axis) => axis !== 1)
  const count = dims.reduce((product, dim) => product * dim, 1) / channels
  const epsilon = tape.scalar(floatAttribute(node, 'epsilon', 1e-5))
  const mean = batchMean(node)
  const running = tape.op('Reciprocal', [tape.op('Sqrt', [tape.add(runningVariance, epsilon)])])
  const sumDy = tape.sum(dy, axes, false)
  const sumDyX = tape.sum(tape.mul(dy, x), axes, false)
  const around = (centre: string) => tape.sub(sumDyX, tape.mul(centre, sumDy))
  const inputGradient = () => {
    const gain = tape.mul(scale, running)
    const slope = tape.op('Div', [around(mean), tape.add(batchVariance(node), epsilon)])
    const byX = tape.scale(tape.mul(gain, slope), -1 / count)
    const shift = tape.sub(tape.scale(tape.mul(gain, sumDy), -1 / count), tape.mul(byX, mean))
    const byDy = tape.mul(dy, perChannel(tape, gain, dims.length, channels))
    return tape.add(byDy, affine(tape, x, byX, shift, channels))
  }
  return [
    tape.needs(x) ? inputGradient() : undefined,
    tape.needs(scale) ? tape.mul(running, around(runningMean)) : undefined,
    tape.needs(bias) ? sumDy : undefined,
  ]
}

/** Gradient rules of normalisation layers. */
export const normalizationRules: Record<string, GradientRule> = { BatchNormalization: batchNormalization }
