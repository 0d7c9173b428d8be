import type { ConstantTensor } from '../onnx/index.ts'
import type { NetBuilder } from './net-builder.ts'

/** Channels of the three groups of the teacher. */
export interface TeacherWidths {
  readonly group1: number
  readonly group2: number
  readonly group3: number
}

/** The values at which a teacher can be matched or cut, in order. */
export interface TeacherTaps {
  readonly group1: string
  readonly group2: string
  readonly group3: string
  readonly logits: string
}

const WHITENED = 24

/**
 * The edge's classifier for [N,3,32,32]: a fixed whitening layer, then three groups of convolution, pooling,
 * normalisation, ReLU and a second convolution, after arXiv 2404.00498 (with ReLU, trained scales and a mean
 * at the end). Feature maps: 15×15, 7×7 and 3×3.
 */
export function teacher(
  net: NetBuilder,
  x: string,
  widths: TeacherWidths,
  whitening: () => ConstantTensor,
): TeacherTaps {
  const white = net.g.op('Conv', [x, net.fixed('whitening.weight', whitening)], { kernel_shape: [2, 2] })
  const group1 = group(net, 'group1', net.relu(white), WHITENED, widths.group1)
  return { group1, ...teacherTail(net, group1, widths) }
}

/** The teacher behind its first group. */
export function teacherTail(
  net: NetBuilder,
  group1: string,
  widths: TeacherWidths,
): Omit<TeacherTaps, 'group1'> {
  const group2 = group(net, 'group2', group1, widths.group1, widths.group2)
  return { group2, ...teacherEnd(net, group2, widths) }
}

/** The teacher behind its second group. */
export function teacherEnd(
  net: NetBuilder,
  group2: string,
  widths: TeacherWidths,
): Pick<TeacherTaps, 'group3' | 'logits'> {
  const group3 = group(net, 'group3', group2, widths.group2, widths.group3)
  const pooled = net.g.op('Flatten', [net.maxPool(group3, 3)], { axis: 1 })
  const scores = net.linear('classifier', pooled, widths.group3, 10)
  return { group3, logits: net.g.op('Mul', [scores, net.g.scalar(1 / 9)]) }
}

function group(net: NetBuilder, name: string, x: string, channels: number, outputs: number): string {
  const first = net.conv(`${name}.conv1`, x, channels, outputs, { kernel: 3, pad: 1, start: 'identity' })
  const pooled = net.normRelu(`${name}.norm1`, net.maxPool(first, 2), outputs)
  const second = net.conv(`${name}.conv2`, pooled, outputs, outputs, { kernel: 3, pad: 1, start: 'identity' })
  return net.normRelu(`${name}.norm2`, second, outputs)
}
