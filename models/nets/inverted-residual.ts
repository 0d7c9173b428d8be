import type { ConvOptions, NetBuilder } from './net-builder.ts'

export interface InvertedResidual {
  readonly inputs: number
  readonly outputs: number
  /** Channels inside the block for each one that comes in. */
  readonly expansion: number
  /** Default 1. */
  readonly stride?: 1 | 2
  /** Channels of the kernels, where the block uses the first ones of wider ones. */
  readonly slicedFrom?: { readonly inputs: number; readonly outputs: number }
  /** The name of the normalisation behind a layer. Default: `${layer}.norm`. */
  readonly normName?: (layer: string) => string
}

/**
 * An inverted residual block (Sandler et al., arXiv 1801.04381, with ReLU): widens, looks around within each channel, narrows without an
 * activation, and adds what came in where the shapes agree. With as many multiply-adds and parameters as plain convolutions such blocks err
 * less, for depthwise convolutions look around at almost no cost.
 */
export function invertedResidual(net: NetBuilder, name: string, x: string, block: InvertedResidual): string {
  const { inputs, outputs, expansion, stride = 1, normName = (layer) => `${layer}.norm` } = block
  const inner = expansion * inputs
  const whole = block.slicedFrom
  const sliced = (channels: number, outputs: number): Pick<ConvOptions, 'slicedFrom'> =>
    whole ? { slicedFrom: { channels, outputs } } : {}
  const wholeInner = expansion * (whole?.inputs ?? inputs)
  const layers = { expand: `${name}.expand`, depthwise: `${name}.depthwise`, project: `${name}.project` }
  const wide = net.conv(layers.expand, x, inputs, inner, {
    kernel: 1,
    ...sliced(whole?.inputs ?? inputs, wholeInner),
  })
  const around = net.conv(
    layers.depthwise,
    net.normRelu(normName(layers.expand), wide, inner),
    inner,
    inner,
    { kernel: 3, pad: 1, stride, groups: inner, ...sliced(wholeInner, wholeInner) },
  )
  const narrow = net.conv(
    layers.project,
    net.normRelu(normName(layers.depthwise), around, inner),
    inner,
    outputs,
    { kernel: 1, ...sliced(wholeInner, whole?.outputs ?? outputs) },
  )
  const result = net.norm(normName(layers.project), narrow, outputs)
  return stride === 1 && inputs === outputs ? net.add(x, result) : result
}
