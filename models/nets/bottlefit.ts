import type { NetBuilder } from './net-builder.ts'

/** Sizes of a small BottleFit pair for 32×32 inputs. */
export interface BottleFitWidths {
  /** Channels of the encoder at 16×16. */
  readonly stem: number
  /** Channels of the encoder at 8×8. */
  readonly body: number
  /** Channels of the bottleneck, 7×7 each. */
  readonly latent: number
  /** Channels inside the decoder. */
  readonly decoder: number
}

/**
 * The device's encoder: [N,3,32,32] → signed bottleneck [N,latent,7,7]. Strided convolutions with a residual layer
 * behind each; the last layer is a 2×2 convolution without activation, as in BottleFit (arXiv 2201.02693). The
 * normalisation behind it gives every channel the same range, so that one static quantiser fits them all; it folds
 * into the convolution, and what crosses is that convolution's raw output.
 */
export function bottleFitEncoder(net: NetBuilder, x: string, widths: BottleFitWidths): string {
  const { stem, body, latent } = widths
  const conv1 = net.conv('encoder.conv1', x, 3, stem, { kernel: 4, stride: 2, pad: 1 })
  const half = residual(net, 'encoder', 2, net.normRelu('encoder.norm1', conv1, stem), stem)
  const conv3 = net.conv('encoder.conv3', half, stem, body, { kernel: 3, stride: 2, pad: 1 })
  const quarter = residual(net, 'encoder', 4, net.normRelu('encoder.norm3', conv3, body), body)
  const conv5 = net.conv('encoder.conv5', quarter, body, latent, { kernel: 2 })
  return net.norm('encoder.norm5', conv5, latent)
}

/** The server's decoder: bottleneck [N,latent,7,7] → what the teacher has there, [N,outputs,7,7] behind a ReLU. */
export function bottleFitDecoder(
  net: NetBuilder,
  latent: string,
  widths: BottleFitWidths,
  outputs: number,
): string {
  const { decoder } = widths
  const conv1 = net.conv('decoder.conv1', latent, widths.latent, decoder, { kernel: 3, pad: 1 })
  const entry = net.normRelu('decoder.norm1', conv1, decoder)
  const deep = residual(net, 'decoder', 3, residual(net, 'decoder', 2, entry, decoder), decoder)
  const conv4 = net.conv('decoder.conv4', deep, decoder, outputs, { kernel: 3, pad: 1 })
  return net.normRelu('decoder.norm4', conv4, outputs)
}

/** x + ReLU(norm(conv(x))), the layers numbered as they come. */
function residual(net: NetBuilder, part: string, layer: number, x: string, channels: number): string {
  const conv = net.conv(`${part}.conv${layer}`, x, channels, channels, { kernel: 3, pad: 1 })
  return net.add(x, net.normRelu(`${part}.norm${layer}`, conv, channels))
}
