import type { NetBuilder } from './net-builder.ts'

/**
 * The encoders that were published with BottleFit (arXiv 2201.02693, code of its repository) and, for Inception V3, with head
 * network distillation. `v1` ends behind the stem's pooling, `v2` one strided convolution later (their default), `v3` two.
 */
export type PublishedEncoder = 'v1' | 'v2' | 'v3' | 'inception'

/**
 * A published encoder: [N,3,224,224] → [N,channels,56,56] (`v1`, behind a ReLU), [N,channels,29,29] (`v2`), [N,channels,15,15]
 * (`v3`); [N,3,299,299] → [N,channels,37,37] (`inception`). But for `v1`, what crosses is the last convolution's raw output.
 */
export function publishedEncoder(
  net: NetBuilder,
  x: string,
  kind: PublishedEncoder,
  channels: number,
): string {
  const width = kind === 'v1' ? channels : STEM
  const inception = kind === 'inception'
  const stem = net.conv('encoder.conv1', x, 3, width, { kernel: 7, stride: 2, pad: inception ? 0 : 3 })
  const pad = inception ? 0 : 1
  const pooled = net.g.op('MaxPool', [net.normRelu('encoder.norm1', stem, width)], {
    kernel_shape: [3, 3],
    strides: [2, 2],
    pads: [pad, pad, pad, pad],
  })
  if (kind === 'v1') return pooled
  const rich = net.normRelu('encoder.norm2', pooled, STEM)
  const strided = { kernel: 2, stride: 2, pad: 1 }
  if (kind !== 'v3') return net.conv('encoder.conv2', rich, STEM, channels, strided)
  const wide = net.conv('encoder.conv2', rich, STEM, DECODER, strided)
  return net.conv('encoder.conv3', net.normRelu('encoder.norm3', wide, DECODER), DECODER, channels, strided)
}

const STEM = 64
const DECODER = 512

/** The teachers whose decoders were published: what they rebuild, and where in the teacher it goes in. */
export type PublishedDecoder = 'resnet' | 'densenet' | 'inception'

/** Per 2×2 convolution: outputs, and zeros on every side. */
const decoders: Readonly<Record<PublishedDecoder, readonly (readonly [outputs: number, pad: number])[]>> = {
  resnet: [
    [512, 1],
    [512, 1],
    [512, 0],
    [512, 0],
  ],
  densenet: [
    [512, 1],
    [512, 1],
    [256, 0],
    [256, 0],
    [256, 0],
  ],
  inception: [
    [256, 1],
    [256, 0],
    [192, 0],
  ],
}

/**
 * The decoder for a latent of `v2` (or of `inception`): [N,channels,29,29] → [N,512,28,28] for ResNet-152, in front of its third
 * group; → [N,256,14,14] for DenseNet, in front of its third block; [N,channels,37,37] → [N,192,35,35] for Inception V3.
 */
export function publishedDecoder(
  net: NetBuilder,
  latent: string,
  teacher: PublishedDecoder,
  channels: number,
): string {
  let x = latent
  let width = channels
  for (const [at, [outputs, pad]] of decoders[teacher].entries()) {
    const active = net.normRelu(`decoder.norm${at + 1}`, x, width)
    x = net.conv(`decoder.conv${at + 1}`, active, width, outputs, { kernel: 2, pad })
    width = outputs
  }
  const stride = teacher === 'densenet' ? 2 : 1
  return net.g.op('AveragePool', [x], { kernel_shape: [2, 2], strides: [stride, stride] })
}
