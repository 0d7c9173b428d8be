import type { NetBuilder } from './net-builder.ts'

/** Channels of the two stages of the device's own classifier. */
export interface LocalWidths {
  /** At 16×16. */
  readonly stage1: number
  /** At 8×8. */
  readonly stage2: number
}

/** Channels inside a block for each channel between blocks. */
const EXPANSION = 3

/**
 * The device's own classifier for [N,3,32,32]: a strided stem, four inverted residual blocks at 16×16, three at 8×8 (Sandler et
 * al., arXiv 1801.04381, with ReLU). With as many multiply-adds and parameters as a residual network of plain convolutions it
 * errs less, for its depthwise convolutions look around at almost no cost.
 */
export function localNet(net: NetBuilder, x: string, { stage1, stage2 }: LocalWidths): string {
  const stem = net.conv('stem.conv', x, 3, stage1, { kernel: 4, stride: 2, pad: 1 })
  let y = net.normRelu('stem.norm', stem, stage1)
  for (let block = 1; block <= 4; block++) y = inverted(net, `stage1.block${block}`, y, stage1, stage1, 1)
  y = inverted(net, 'stage2.block1', y, stage1, stage2, 2)
  for (let block = 2; block <= 3; block++) y = inverted(net, `stage2.block${block}`, y, stage2, stage2, 1)
  return net.linear('classifier', net.globalAverage(y), stage2, 10)
}

/** Widens, looks around within each channel, narrows; adds what came in where the shapes agree. */
function inverted(
  net: NetBuilder,
  name: string,
  x: string,
  inputs: number,
  outputs: number,
  stride: 1 | 2,
): string {
  const inner = EXPANSION * inputs
  const wide = net.conv(`${name}.expand`, x, inputs, inner, { kernel: 1 })
  const around = net.conv(`${name}.depthwise`, net.normRelu(`${name}.norm1`, wide, inner), inner, inner, {
    kernel: 3,
    pad: 1,
    stride,
    groups: inner,
  })
  const narrow = net.conv(`${name}.project`, net.normRelu(`${name}.norm2`, around, inner), inner, outputs, {
    kernel: 1,
  })
  const result = net.norm(`${name}.norm3`, narrow, outputs)
  return stride === 1 && inputs === outputs ? net.add(x, result) : result
}
