import { invertedResidual } from './inverted-residual.ts'
import type { LocalWidths } from './local.ts'
import type { NetBuilder } from './net-builder.ts'

/** Channels inside a block for each channel between blocks. */
const EXPANSION = 3
const BLOCKS = { stage1: 4, stage2: 3 } as const

/**
 * A classifier for a device that can spare more time than {@link localNet} takes: a strided stem, four inverted residual blocks at 16×16, three
 * at 8×8. [N,3,32,32] → logits [N,10].
 */
export function mobileNet(net: NetBuilder, x: string, { stage1, stage2 }: LocalWidths): string {
  const stem = net.conv('stem.conv', x, 3, stage1, { kernel: 4, stride: 2, pad: 1 })
  let value = net.normRelu('stem.norm', stem, stage1)
  for (let at = 1; at <= BLOCKS.stage1; at++) {
    const block = { inputs: stage1, outputs: stage1, expansion: EXPANSION }
    value = invertedResidual(net, `stage1.block${at}`, value, block)
  }
  for (let at = 1; at <= BLOCKS.stage2; at++) {
    const isFirst = at === 1
    value = invertedResidual(net, `stage2.block${at}`, value, {
      inputs: isFirst ? stage1 : stage2,
      outputs: stage2,
      expansion: EXPANSION,
      stride: isFirst ? 2 : 1,
    })
  }
  return net.linear('classifier', net.globalAverage(value), stage2, 10)
}
