import type { NetBuilder } from './net-builder.ts'

/** Sizes of a slimmable encoder for 32×32 inputs at its full width. */
export interface SlimmableEncoderSizes {
  /** Channels at 16×16. */
  readonly stem: number
  /** Channels at 8×8. */
  readonly body: number
  /** Residual blocks of depthwise and pointwise convolution at 8×8. */
  readonly blocks: number
  /** Channels of the bottleneck, 7×7 each: the same for every width, so that one decoder takes them all. */
  readonly latent: number
}

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
  const { stem, body, latent, blocks } = sizes
  const used = (channels: number) => Math.max(1, Math.round(width * channels))
  const [narrowStem, narrowBody] = [used(stem), used(body)]
  const norm = (layer: string) => `${name}.${layer}.norm@${width}`

  const first = net.conv(`${name}.stem`, x, 3, narrowStem, {
    kernel: 4,
    stride: 2,
    pad: 1,
    slicedFrom: { channels: 3, outputs: stem },
  })
  const down = net.conv(
    `${name}.down`,
    net.normRelu(norm('stem'), first, narrowStem),
    narrowStem,
    narrowBody,
    {
      kernel: 3,
      stride: 2,
      pad: 1,
      slicedFrom: { channels: stem, outputs: body },
    },
  )
  let value = net.normRelu(norm('down'), down, narrowBody)
  const slicedFrom = { channels: body, outputs: body }
  for (let at = 1; at <= blocks; at++) {
    const layer = `block${at}`
    const depthwise = net.conv(`${name}.${layer}.depthwise`, value, narrowBody, narrowBody, {
      kernel: 3,
      pad: 1,
      groups: narrowBody,
      slicedFrom,
    })
    const between = net.normRelu(norm(`${layer}.depthwise`), depthwise, narrowBody)
    const pointwise = net.conv(`${name}.${layer}.pointwise`, between, narrowBody, narrowBody, {
      kernel: 1,
      slicedFrom,
    })
    value = net.add(value, net.normRelu(norm(`${layer}.pointwise`), pointwise, narrowBody))
  }
  const last = net.conv(`${name}.latent`, value, narrowBody, latent, {
    kernel: 2,
    slicedFrom: { channels: body, outputs: latent },
  })
  return net.norm(norm('latent'), last, latent)
}
