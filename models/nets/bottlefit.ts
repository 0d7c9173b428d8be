import type { NetBuilder } from './net-builder.ts'

/** Sizes of a small BottleFit pair for 32×32 inputs. */
export interface BottleFitWidths {
  /** Channels of the encoder's two strided stages. */
  readonly stem: number
  readonly body: number
  /** Channels of the bottleneck, 7×7 each. */
  readonly latent: number
  /** Channels inside the decoder. */
  readonly decoder: number
}

/**
 * The device's encoder: [N,3,32,32] → raw, signed bottleneck [N,latent,7,7]. Strided convolutions first, so that
 * little is computed at full size; the last layer is a 2×2 convolution without activation, as in BottleFit
 * (arXiv 2201.02693): what crosses is the raw convolution output.
 */
export function bottleFitEncoder(net: NetBuilder, x: string, widths: BottleFitWidths): string {
  const stem = net.conv('encoder.conv1', x, 3, widths.stem, { kernel: 4, stride: 2, pad: 1 })
  const strided = net.conv(
    'encoder.conv2',
    net.normRelu('encoder.norm1', stem, widths.stem),
    widths.stem,
    widths.body,
    {
      kernel: 3,
      stride: 2,
      pad: 1,
    },
  )
  const body = net.conv(
    'encoder.conv3',
    net.normRelu('encoder.norm2', strided, widths.body),
    widths.body,
    widths.body,
    {
      kernel: 3,
      pad: 1,
    },
  )
  const rich = net.normRelu('encoder.norm3', body, widths.body)
  return net.conv('encoder.conv4', rich, widths.body, widths.latent, { kernel: 2 })
}

/** The server's decoder: bottleneck [N,latent,7,7] → what the teacher has there, [N,outputs,7,7] behind a ReLU. */
export function bottleFitDecoder(
  net: NetBuilder,
  latent: string,
  widths: BottleFitWidths,
  outputs: number,
): string {
  const { decoder } = widths
  const conv = (name: string, x: string, channels: number, to: number) =>
    net.conv(`decoder.${name}`, x, channels, to, { kernel: 3, pad: 1 })
  const entry = conv('conv1', net.norm('decoder.norm0', latent, widths.latent), widths.latent, decoder)
  const first = net.normRelu('decoder.norm1', entry, decoder)
  const second = net.normRelu('decoder.norm2', conv('conv2', first, decoder, decoder), decoder)
  const exit = conv('conv3', net.add(first, second), decoder, outputs)
  return net.normRelu('decoder.norm3', exit, outputs)
}
