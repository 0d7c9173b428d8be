import { floatAttribute, intAttribute } from '../../onnx/index.ts'
import { axisOf, type Dense, dense, tabulate } from './dense.ts'
import { plain, type ReferenceRule } from './rule.ts'

/** Mean and population variance of each channel of [N,C,...]. */
function statistics(x: Dense): { mean: Dense; variance: Dense } {
  const channels = x.dims[1]!
  const inner = x.data.length / (x.dims[0]! * channels)
  const channelOf = (position: number): number => Math.floor(position / inner) % channels
  const count = x.data.length / channels
  const mean = dense([channels])
  x.data.forEach((value, position) => {
    mean.data[channelOf(position)]! += value / count
  })
  const variance = dense([channels])
  x.data.forEach((value, position) => {
    variance.data[channelOf(position)]! += (value - mean.data[channelOf(position)]!) ** 2 / count
  })
  return { mean, variance }
}

const batchNormalization: ReferenceRule = (node, inputs) => {
  const [x, scale, bias, runningMean, runningVariance] = inputs as [Dense, Dense, Dense, Dense, Dense]
  const training = intAttribute(node, 'training_mode', 0) === 1
  const epsilon = floatAttribute(node, 'epsilon', 1e-5)
  const momentum = floatAttribute(node, 'momentum', 0.9)
  const used = training ? statistics(x) : { mean: runningMean, variance: runningVariance }
  const y = tabulate(x.dims, (index, position) => {
    const channel = index[1]!
    const normalized =
      (x.data[position]! - used.mean.data[channel]!) / Math.sqrt(used.variance.data[channel]! + epsilon)
    return scale.data[channel]! * normalized + bias.data[channel]!
  })
  const averaged = (running: Dense, batch: Dense): Dense =>
    dense(
      running.dims,
      running.data.map((value, channel) => momentum * value + (1 - momentum) * batch.data[channel]!),
    )
  return training ? [y, averaged(runningMean, used.mean), averaged(runningVariance, used.variance)] : [y]
}

/** x minus the logarithm of the sum of exp(x) along `axis`. */
function logSoftmax(x: Dense, axis: number): Dense {
  const inner = x.dims.slice(axis + 1).reduce((product, dim) => product * dim, 1)
  const size = x.dims[axis]!
  return dense(
    x.dims,
    x.data.map((value, position) => {
      const first = position - (Math.floor(position / inner) % size) * inner
      let sum = 0
      for (let step = 0; step < size; step++) sum += Math.exp(x.data[first + step * inner]!)
      return value - Math.log(sum)
    }),
  )
}

const softmaxAxis = (axis: number, x: Dense): number => axisOf(axis, x.dims.length)

/** Normalisation layers and normalised exponentials, as the ONNX specification defines them. */
export const normalizationReference: Record<string, ReferenceRule> = {
  BatchNormalization: batchNormalization,
  LogSoftmax: plain((node, x) => logSoftmax(x, softmaxAxis(intAttribute(node, 'axis', -1), x))),
  Softmax: plain((node, x) => {
    const logarithms = logSoftmax(x, softmaxAxis(intAttribute(node, 'axis', -1), x))
    return dense(x.dims, logarithms.data.map(Math.exp))
  }),
}
