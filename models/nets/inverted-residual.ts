import type { NetBuilder } from './net-builder.ts'

export interface InvertedResidual {
  readonly inputs: number
  readonly outputs: number
  /** Channels inside the block for each one that comes in. */
  readonly expansion: number
  /** Default 1. */
  readonly stride?: 1 | 2
}

/**
 * An inverted residual block (Sandler et al., arXiv 1801.04381, with ReLU): widens, looks around within each channel, narrows without an
 * activation, and adds what came in where the shapes agree. With as many multiply-adds and parameters as plain convolutions such blocks err
 * less, for depthwise convolutions look around at almost no cost.
 */
export function invertedResidual(
  net: NetBuilder,
  name: string,
  x: string,
  { inputs, outputs, expansion, stride = 1 }: InvertedResidual,
): string {
  const inner = expansion * inputs
  const wide = net.conv(`${name}.expand`, x, inputs, inner, { kernel: 1 })
  const active = net.normRelu(`${name}.expand.norm`, wide, inner)
  const around = net.conv(`${name}.depthwise`, active, inner, inner, {
    kernel: 3,
    pad: 1,
    stride,
    groups: inner,
  })
  const seen = net.normRelu(`${name}.depthwise.norm`, around, inner)
  const narrow = net.conv(`${name}.project`, seen, inner, outputs, { kernel: 1 })
  const result = net.norm(`${name}.project.norm`, narrow, outputs)
  return stride === 1 && inputs === outputs ? net.add(x, result) : result
}
