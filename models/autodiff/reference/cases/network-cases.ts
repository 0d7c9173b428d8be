import { float, float32Tensor } from '../../../onnx/index.ts'
import { type CaseMaker, OPSETS, uniform } from './case.ts'

/**
 * A small residual network, smooth throughout: convolution, normalisation over the batch, Softplus, a depthwise
 * convolution beside a shortcut, average pooling, a linear layer, LogSoftmax.
 */
const network: CaseMaker = (choose) => {
  const { random } = choose
  const [batch, channels, classes] = [choose.integer(2, 3), choose.integer(1, 3), choose.integer(2, 3)]
  const [rows, columns] = [choose.integer(2, 5), choose.integer(2, 5)]
  const pooled = [Math.floor(rows / 2), Math.floor(columns / 2)]
  return {
    opset: choose.pick(OPSETS),
    inputs: {
      x: uniform([batch, 2, rows, columns], random),
      kernel: uniform([channels, 2, 3, 3], random, -0.5, 0.5),
      scale: uniform([channels], random, 0.5, 1.5),
      shift: uniform([channels], random),
      depthwise: uniform([channels, 1, 3, 3], random, -0.5, 0.5),
      weights: uniform([classes, channels * pooled[0]! * pooled[1]!], random),
      bias: uniform([classes], random),
    },
    write: (g) => {
      const features = g.op('Conv', ['x', 'kernel'], { pads: [1, 1, 1, 1] })
      // Unlike any other constant: ONNX Runtime shares equal ones, and writes the statistics of the batch over these.
      const running = (value: number) => g.constant(float32Tensor(new Float32Array(channels).fill(value)))
      const [normalized] = g.ops(
        'BatchNormalization',
        [features, 'scale', 'shift', running(0.3), running(0.7)],
        { training_mode: 1, momentum: float(0) },
        ['normalized', 'mean', 'variance'],
      )
      const active = g.op('Softplus', [normalized!])
      const filtered = g.op('Conv', [active, 'depthwise'], { pads: [1, 1, 1, 1], group: channels })
      const sum = g.op('Add', [active, filtered])
      const flat = g.op('Flatten', [g.op('AveragePool', [sum], { kernel_shape: [2, 2], strides: [2, 2] })])
      return [g.op('LogSoftmax', [g.op('Gemm', [flat, 'weights', 'bias'], { transB: 1 })])]
    },
  }
}

/** Several layers together. */
export const networkCases: Record<string, CaseMaker> = { 'a small network': network }
