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
