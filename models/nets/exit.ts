import type { NetBuilder } from './net-builder.ts'

/** Sizes of an early exit. */
export interface ExitSizes {
  /** Of the bottleneck, `[C, H, W]`. */
  readonly latent: readonly number[]
  /** Channels of its convolutions. */
  readonly width: number
  readonly classes: number
}

/**
 * An early exit on the bottleneck: latent [N,C,H,W] → logits [N,classes]. One convolution at full size, a residual one and
 * a strided one behind it; then the whole remaining plane is read by one line, since a bottleneck is small and where things
 * are still matters in it.
 */
export function exitNet(
  net: NetBuilder,
  latent: string,
  { latent: dims, width, classes }: ExitSizes,
): string {
  const [channels, height, columns] = dims as [number, number, number]
  const conv1 = net.conv('exit.conv1', latent, channels, width, { kernel: 3, pad: 1 })
  const entry = net.normRelu('exit.norm1', conv1, width)
  const conv2 = net.conv('exit.conv2', entry, width, width, { kernel: 3, pad: 1 })
  const deep = net.add(entry, net.normRelu('exit.norm2', conv2, width))
  const conv3 = net.conv('exit.conv3', deep, width, width, { kernel: 3, stride: 2, pad: 1 })
  const last = net.normRelu('exit.norm3', conv3, width)
  const left = Math.ceil(height / 2) * Math.ceil(columns / 2) * width
  return net.linear('exit.classifier', net.g.op('Flatten', [last], { axis: 1 }), left, classes)
}
