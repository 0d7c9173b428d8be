import { type AttributeValue, float } from '../../../onnx/index.ts'
import { type CaseMaker, type Choices, OPSETS, shape, uniform } from './case.ts'

/** [N,C,...] with at least four elements per channel, so that the batch has a variance to speak of. */
const batched = (choose: Choices): number[] => [
  choose.integer(2, 3),
  choose.integer(1, 3),
  ...choose.pick([[], [3], [2, 3], [3, 2]]).slice(),
]

/** Momentum 0: the second and third output are the statistics of the batch. */
const batchNormalization =
  (training: boolean): CaseMaker =>
  (choose) => {
    const { random } = choose
    const dims = batched(choose)
    if (dims.length === 2) dims[0]! += 3
    const channels = [dims[1]!]
    const shift = choose.pick([0, 0, 3])
    const epsilon = choose.pick([1e-5, 1e-3, 0.1])
    const attributes: Record<string, AttributeValue> = { epsilon: float(epsilon) }
    if (training) Object.assign(attributes, { training_mode: 1, momentum: float(0) })
    return {
      opset: choose.pick(OPSETS),
      inputs: {
        x: uniform(dims, random, shift - 2, shift + 2),
        scale: uniform(channels, random, 0.5, 2),
        bias: uniform(channels, random),
      },
      write: (g) => {
        const constant = (low: number, high: number) => {
          const { dims, data } = uniform(channels, random, low, high)
          return g.constant({ dtype: 'float32', dims, bytes: new Uint8Array(Float32Array.from(data).buffer) })
        }
        const inputs = ['x', 'scale', 'bias', constant(-1, 1), constant(0.5, 2)]
        const outputs = ['y', ...(training ? ['mean', 'variance'] : [])]
        return g.ops('BatchNormalization', inputs, attributes, outputs).slice(0, 1)
      },
    }
  }

const alongAxis =
  (operator: string): CaseMaker =>
  (choose) => {
    const dims = shape(choose, choose.integer(1, 4))
    const axis = choose.integer(-dims.length, dims.length - 1)
    dims[axis < 0 ? axis + dims.length : axis]! += 1
    const stated = choose.integer(0, 3) > 0
    return {
      opset: choose.pick(OPSETS),
      inputs: { x: uniform(dims, choose.random) },
      write: (g) => [g.op(operator, ['x'], stated ? { axis } : {})],
    }
  }

/** Normalisation layers and normalised exponentials. */
export const normalizationCases: Record<string, CaseMaker> = {
  BatchNormalization: batchNormalization(false),
  'BatchNormalization, batch statistics': batchNormalization(true),
  Softmax: alongAxis('Softmax'),
  LogSoftmax: alongAxis('LogSoftmax'),
}
