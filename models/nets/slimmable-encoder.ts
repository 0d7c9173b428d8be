import { invertedResidual } from './inverted-residual.ts'
import type { NetBuilder } from './net-builder.ts'

/** Sizes of a slimmable encoder for 32×32 inputs at its full width. */
export interface SlimmableEncoderSizes {
  /** Channels at 16×16. */
  readonly stem: number
  /** Inverted residual blocks at 16×16. */
  readonly stemBlocks: number
  /** Channels at 8×8. */
  readonly body: number
  /** Inverted residual blocks at 8×8, behind the one that leads there. */
  readonly blocks: number
  /** Channels of the bottleneck, 7×7 each: the same for every width, so that one decoder takes them all. */
  readonly latent: number
}

/** Channels inside a block for each one that comes in: many where the image is large and the channels few. */
const EXPANSION = { stem: 3, body: 2 } as const

/**
 * A device's encoder whose width can be chosen while it runs: [N,3,32,32] → signed bottleneck [N,latent,7,7]. At `width` (0 to 1)
 * each layer uses the first ⌊width · channels⌉ channels of the one kernel that all widths share; what the normalisations know
 * of the activations is private to each width (slimmable networks, arXiv 1812.08928; split encoders, arXiv 2105.00591). The
 * normalisation at the end gives every channel the same range and folds into the convolution before it.
 */
export function slimmableEncoder(
  net: NetBuilder,
  x: string,
  sizes: SlimmableEncoderSizes,
  width = 1,
  name = 'encoder',
): string {
  const { stem, stemBlocks, body, blocks, latent } = sizes
  const used = (channels: number) => Math.max(1, Math.round(width * channels))
  const statistics = `@${width}`
  const block = (
    layer: string,
    x: string,
    inputs: number,
    outputs: number,
    expansion: number,
    stride: 1 | 2,
  ) =>
    invertedResidual(net, `${name}.${layer}`, x, {
      inputs: used(inputs),
      outputs: used(outputs),
      expansion,
      stride,
      slicedFrom: { inputs, outputs, statistics },
    })

  const first = net.conv(`${name}.stem`, x, 3, used(stem), {
    kernel: 4,
    stride: 2,
    pad: 1,
    slicedFrom: { channels: 3, outputs: stem },
  })
  let value = net.normRelu(`${name}.stem.norm${statistics}`, first, used(stem))
  for (let at = 1; at <= stemBlocks; at++)
    value = block(`stem-block${at}`, value, stem, stem, EXPANSION.stem, 1)
  value = block('down', value, stem, body, EXPANSION.stem, 2)
  for (let at = 1; at <= blocks; at++) value = block(`block${at}`, value, body, body, EXPANSION.body, 1)
  const last = net.conv(`${name}.latent`, value, used(body), latent, {
    kernel: 2,
    slicedFrom: { channels: body, outputs: latent },
  })
  return net.norm(`${name}.latent.norm${statistics}`, last, latent)
}
