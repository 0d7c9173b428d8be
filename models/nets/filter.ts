import { float32Tensor } from '../onnx/index.ts'
import type { NetBuilder } from './net-builder.ts'

/** Channels of the filter's three strided convolutions. */
export type FilterWidths = readonly [number, number, number]

/**
 * Does a frame hold anything of interest? [N,3,H,W] → logits [N,2] of no and yes: three strided convolutions, a mean over
 * the image, a line. Small enough to run in front of a head (neural filter, arXiv 2007.15818, which reads a stem's output;
 * here there is none to share, so it reads pixels).
 */
export function filterNet(net: NetBuilder, x: string, widths: FilterWidths): string {
  const [first, second, third] = widths
  const half = net.conv('filter.conv1', x, 3, first, { kernel: 4, stride: 2, pad: 1 })
  const entry = net.normRelu('filter.norm1', half, first)
  const quarter = net.conv('filter.conv2', entry, first, second, { kernel: 3, stride: 2, pad: 1 })
  const middle = net.normRelu('filter.norm2', quarter, second)
  const eighth = net.conv('filter.conv3', middle, second, third, { kernel: 3, stride: 2, pad: 1 })
  const last = net.normRelu('filter.norm3', eighth, third)
  return net.linear('filter.classifier', net.globalAverage(last), third, 2)
}

/** Logits [N,2] of no and yes → the probability of yes, [N,1]. */
export function interest(net: NetBuilder, logits: string): string {
  const difference = net.g.constant(float32Tensor([-1, 1], [2, 1]))
  return net.g.op('Sigmoid', [net.g.op('MatMul', [logits, difference])])
}
