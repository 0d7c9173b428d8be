import type { NetBuilder } from './net-builder.ts'

/** Channels of the two stages of the device's own classifier. */
export interface LocalWidths {
  /** At 16×16. */
  readonly stage1: number
  /** At 8×8. */
  readonly stage2: number
}

/**
 * The device's own classifier for [N,3,32,32]: a strided stem, two residual blocks at 16×16, one at 8×8
 * (He et al. 2016). It spends its multiply-adds where feature maps are small: only the stem sees the full image.
 */
export function localNet(net: NetBuilder, x: string, { stage1, stage2 }: LocalWidths): string {
  const stem = net.conv('stem.conv', x, 3, stage1, { kernel: 4, stride: 2, pad: 1 })
  const first = residual(net, 'stage1.block1', net.normRelu('stem.norm', stem, stage1), stage1)
  const second = residual(net, 'stage1.block2', first, stage1)
  const down = net.conv('stage2.down', second, stage1, stage2, { kernel: 3, stride: 2, pad: 1 })
  const last = residual(net, 'stage2.block1', net.normRelu('stage2.norm', down, stage2), stage2)
  return net.linear('classifier', net.globalAverage(last), stage2, 10)
}

/** ReLU(x + norm(conv(ReLU(norm(conv(x)))))). */
function residual(net: NetBuilder, name: string, x: string, channels: number): string {
  const first = net.conv(`${name}.conv1`, x, channels, channels, { kernel: 3, pad: 1 })
  const between = net.normRelu(`${name}.norm1`, first, channels)
  const second = net.conv(`${name}.conv2`, between, channels, channels, { kernel: 3, pad: 1 })
  return net.relu(net.add(x, net.norm(`${name}.norm2`, second, channels)))
}
