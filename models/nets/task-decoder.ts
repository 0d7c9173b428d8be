import type { NetBuilder } from './net-builder.ts'

/** Sizes of one task's decoder at its full width. */
export interface TaskDecoderSizes {
  /** Goes before the names of its weights: decoders of several tasks stand beside each other. */
  readonly task: string
  /** Of the shared bottleneck, `[C, H, W]` with H = W. */
  readonly latent: readonly [number, number, number]
  readonly channels: number
  readonly classes: number
}

/**
 * One task's decoder on a bottleneck that several tasks share: latent [N,C,H,W] → logits [N,classes]. At `width` (0 to 1) each
 * layer uses the first ⌊width · channels⌉ channels of the one kernel that all widths share; normalisations are private to each
 * width (slimmable decoders of arXiv 2308.11744, built as arXiv 1812.08928).
 */
export function taskDecoder(net: NetBuilder, latent: string, sizes: TaskDecoderSizes, width = 1): string {
  const { task, latent: dims, channels, classes } = sizes
  const [depth, side] = dims
  const used = Math.max(1, Math.round(width * channels))
  const slicedFrom = { channels, outputs: channels }
  const norm = (layer: string, x: string) => net.normRelu(`${task}.${layer}.norm@${width}`, x, used)
  const entry = norm(
    'entry',
    net.conv(`${task}.entry`, latent, depth, used, {
      kernel: 3,
      pad: 1,
      slicedFrom: { channels: depth, outputs: channels },
    }),
  )
  const inner = net.conv(`${task}.inner`, entry, used, used, { kernel: 3, pad: 1, slicedFrom })
  const deep = net.add(entry, norm('inner', inner))
  const half = net.conv(`${task}.half`, deep, used, used, { kernel: 3, stride: 2, pad: 1, slicedFrom })
  // A convolution as large as its input is a line over all of it, whose prefix is one of channels.
  const scores = net.conv(`${task}.classifier`, norm('half', half), used, classes, {
    kernel: Math.ceil(side / 2),
    bias: true,
    slicedFrom: { channels, outputs: classes },
  })
  return net.g.op('Flatten', [scores], { axis: 1 })
}
