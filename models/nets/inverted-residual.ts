import type { NetBuilder } from './net-builder.ts'

export interface InvertedResidual {
  readonly inputs: number
  readonly outputs: number
  /** Channels inside the block for each one that comes in. */
  readonly expansion: number
  /** Default 1. */
  readonly stride?: 1 | 2
  /** The sizes of a wider block whose kernels' first channels this one uses, and the name of its own normalisations' statistics. */
  readonly slicedFrom?: { readonly inputs: number; readonly outputs: number; readonly statistics: string }
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
  { inputs, outputs, expansion, stride = 1, slicedFrom }: InvertedResidual,
): string {
  const inner = expansion * inputs
  const whole = slicedFrom ?? { inputs, outputs, statistics: '' }
  const wholeInner = expansion * whole.inputs
  const norm = (layer: string) => `${name}.${layer}.norm${whole.statistics}`
  const wide = net.conv(`${name}.expand`, x, inputs, inner, {
    kernel: 1,
    slicedFrom: { channels: whole.inputs, outputs: wholeInner },
  })
  const active = net.normRelu(norm('expand'), wide, inner)
  const around = net.conv(`${name}.depthwise`, active, inner, inner, {
    kernel: 3,
    pad: 1,
    stride,
    groups: inner,
    slicedFrom: { channels: wholeInner, outputs: wholeInner },
  })
  const seen = net.normRelu(norm('depthwise'), around, inner)
  const narrow = net.conv(`${name}.project`, seen, inner, outputs, {
    kernel: 1,
    slicedFrom: { channels: wholeInner, outputs: whole.outputs },
  })
  const result = net.norm(norm('project'), narrow, outputs)
  return stride === 1 && inputs === outputs ? net.add(x, result) : result
}
