import type { NetBuilder } from '../nets/index.ts'
import { fittingKernel, type PairShape, stridedKernel } from './geometry.ts'

/**
 * The device's encoder: photo [N,3,S,S], scaled as the teacher's input → signed latent [N,C,L,L]. Strided convolutions, with a residual one in
 * front of the last; what crosses is the last one's raw output (the normalisation behind it folds into it), as in BottleFit (arXiv 2201.02693).
 */
export function pairEncoder(net: NetBuilder, x: string, shape: PairShape): string {
  let value = x
  let channels = 3
  let side = shape.side
  for (const [at, { stride, channels: outputs }] of shape.encoder.entries()) {
    const last = at === shape.encoder.length - 1
    if (last && at > 0) value = residual(net, 'encoder.residual', value, channels)
    const name = last ? 'encoder.latent' : `encoder.down${at + 1}`
    const kernel = stridedKernel(side, stride, at === 0 ? 2 : 1)
    const strided = net.conv(name, value, channels, outputs, { ...kernel, stride })
    value = last ? net.norm(`${name}.norm`, strided, outputs) : net.normRelu(`${name}.norm`, strided, outputs)
    channels = outputs
    side = Math.ceil(side / stride)
  }
  return value
}

/**
 * The server's decoder: latent [N,C,L,L] → the teacher's map at the cut. It works at the latent's size, goes to twice that when the map is
 * larger, and is fitted to the map's size by a depthwise convolution. `positive`: the map never falls below zero.
 */
export function pairDecoder(net: NetBuilder, latent: string, shape: PairShape, positive: boolean): string {
  const { coarse, fine } = shape.decoder
  const { side, channels } = shape.feature
  const entry = net.conv('decoder.entry', latent, shape.latent.channels, coarse, { kernel: 3, pad: 1 })
  let value = residual(net, 'decoder.coarse', net.normRelu('decoder.entry.norm', entry, coarse), coarse)
  let width = shape.latent.side
  const doubles = width < 0.75 * side
  const factor = doubles ? 2 : 1
  value = net.conv('decoder.up', value, coarse, factor ** 2 * fine, { kernel: 1 })
  if (doubles) value = doubled(net, value, fine, width)
  width *= factor
  value = residual(net, 'decoder.fine', net.normRelu('decoder.up.norm', value, fine), fine)
  const fitted = net.conv('decoder.fit', value, fine, fine, { ...fittingKernel(width, side), groups: fine })
  const map = net.conv('decoder.map', fitted, fine, channels, { kernel: 1, bias: true })
  return positive ? net.relu(map) : map
}

/** x + ReLU(norm(conv(x))) */
function residual(net: NetBuilder, name: string, x: string, channels: number): string {
  const conv = net.conv(name, x, channels, channels, { kernel: 3, pad: 1 })
  return net.add(x, net.normRelu(`${name}.norm`, conv, channels))
}

/** Four channels become one of twice the size: [N,4C,H,W] → [N,C,2H,2W]. */
function doubled(net: NetBuilder, x: string, channels: number, side: number): string {
  const { g } = net
  const parts = g.op('Reshape', [x, g.ints([0, 2, 2, channels, side, side])])
  const woven = g.op('Transpose', [parts], { perm: [0, 3, 4, 1, 5, 2] })
  return g.op('Reshape', [woven, g.ints([0, channels, 2 * side, 2 * side])])
}
