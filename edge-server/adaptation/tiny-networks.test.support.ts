import { seededRandom } from '@isthmus/models/data'
import { localNet, NetBuilder } from '@isthmus/models/nets'
import { type Model, writeModel } from '@isthmus/models/onnx'

/** Untrained networks for [N, 3, 32, 32] with ten classes. */
export function tinyNetwork(seed: number, stage1 = 4, stage2 = 6): Model {
  const net = new NetBuilder(`net${seed}`, { random: seededRandom(seed) })
  const input = net.g.input('input', 'float32', ['N', 3, 32, 32])
  net.g.output(localNet(net, input, { stage1, stage2 }), 'logits', 'float32', ['N', 10])
  return net.build()
}

export const tinyStudent = (): Uint8Array => writeModel(tinyNetwork(1))
export const tinyFoundation = (): Uint8Array => writeModel(tinyNetwork(2, 6, 8))

export const tinyLatentDims = [4, 8, 8]
export const tinyQuantizer = { kind: 'affine-static', bits: 8, scale: 0.05, zeroPoint: 128 } as const

/** The halves of an untrained split network, each with a normalisation. */
export function tinyHead(seed = 3): Model {
  const net = new NetBuilder('head', { random: seededRandom(seed) })
  const input = net.g.input('input', 'float32', ['N', 3, 32, 32])
  const stem = net.conv('stem', input, 3, 4, { kernel: 4, stride: 4 })
  net.g.output(net.norm('norm', stem, 4), 'latent', 'float32', ['N', ...tinyLatentDims])
  return net.build()
}

export function tinyTail(seed = 4): Model {
  const net = new NetBuilder('tail', { random: seededRandom(seed) })
  const latent = net.g.input('latent', 'float32', ['N', ...tinyLatentDims])
  const conv = net.conv('conv', latent, 4, 6, { kernel: 3, pad: 1 })
  const pooled = net.globalAverage(net.normRelu('norm', conv, 6))
  net.g.output(net.linear('classifier', pooled, 6, 10), 'logits', 'float32', ['N', 10])
  return net.build()
}

export const tinyPixels = 3 * 32 * 32

/** A layer of two channels, as packed: what devices tell of their frames is a difference to it. */
export const tinyLayers = {
  layout: {
    channels: 2,
    layers: [
      { name: 'n', channels: 2, offset: 0, epsilon: 1e-5, scale: 's', shift: 'b', mean: 'm', variance: 'v' },
    ],
  },
  base: {
    scale: Float32Array.of(1, 1),
    shift: Float32Array.of(0, 0),
    mean: Float32Array.of(0, 1),
    variance: Float32Array.of(1, 4),
  },
}

/** Images that differ. */
export function someImages(count: number, seed: number): Uint8Array<ArrayBuffer>[] {
  const random = seededRandom(seed)
  return Array.from({ length: count }, () => Uint8Array.from({ length: tinyPixels }, () => random.below(256)))
}

/** Images pass: untrained networks are sure of nothing. */
export const lenient = {
  judge: { unsureShare: Number.POSITIVE_INFINITY, steady: false },
  guard: { probeDropPts: 100, entropyFloor: 0, histogramDistance: 2, topShare: 2, fewest: 1 },
}
