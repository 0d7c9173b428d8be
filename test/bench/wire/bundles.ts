import { join } from 'node:path'
import { type Bundle, type ManifestDraft, writeBundle } from '@isthmus/models/bundle'
import { seededRandom } from '@isthmus/models/data'
import { elementCount, float32Tensor, GraphBuilder, writeModel } from '@isthmus/models/onnx'

/** What crosses: 10 × 32 × 32 numbers of 8 bits are the 10 kB that the figures speak of. */
export const latentDims = [10, 32, 32] as const
export const payloadBytes = elementCount(latentDims)
export const SPLIT_MODE = 2

const inputDims: [number, number, number] = [3, 32, 32]
const CLASSES = 10
/** Channels of the long tail's convolutions: 9.4 M multiply-adds each. */
const CHANNELS = 32

/** A graph with random weights that keep values of the order of one. */
class Net {
  readonly g: GraphBuilder
  readonly #random = seededRandom(7)

  constructor(name: string) {
    this.g = new GraphBuilder(name)
  }

  #weights(dims: readonly number[], fanIn: number): string {
    const spread = Math.sqrt(2 / fanIn)
    const data = Float32Array.from({ length: elementCount(dims) }, () => spread * this.#random.normal())
    return this.g.constant(float32Tensor(data, dims))
  }

  conv(x: string, inputs: number, outputs: number, kernel: number): string {
    const pad = kernel >> 1
    const weights = this.#weights([outputs, inputs, kernel, kernel], inputs * kernel * kernel)
    return this.g.op('Conv', [x, weights], { pads: [pad, pad, pad, pad] })
  }

  classify(x: string, channels: number): Uint8Array<ArrayBufferLike> {
    const pooled = this.g.op('Flatten', [this.g.op('GlobalAveragePool', [x])])
    const logits = this.g.op('MatMul', [pooled, this.#weights([channels, CLASSES], channels)])
    this.g.output(logits, 'logits', 'float32', ['N', CLASSES])
    return writeModel(this.g.build())
  }
}

function headModel(): Uint8Array {
  const net = new Net('bench-head')
  const x = net.g.input('input', 'float32', ['N', ...inputDims])
  net.g.output(net.g.op('Tanh', [net.conv(x, 3, latentDims[0], 1)]), 'latent', 'float32', [
    'N',
    ...latentDims,
  ])
  return writeModel(net.g.build())
}

function localModel(): Uint8Array {
  const net = new Net('bench-local')
  return net.classify(net.conv(net.g.input('input', 'float32', ['N', ...inputDims]), 3, 4, 1), 4)
}

/** A tail from the latent to ten logits with so many 3×3 convolutions in between; 0: hardly any compute. */
export function tailModel(convolutions: number): Uint8Array {
  const net = new Net('bench-tail')
  let x = net.g.input('latent', 'float32', ['N', ...latentDims])
  let channels: number = latentDims[0]
  for (let layer = 0; layer < convolutions; layer++) {
    x = net.g.op('Relu', [net.conv(x, channels, CHANNELS, 3)])
    channels = CHANNELS
  }
  return net.classify(x, channels)
}

/** Writes the bundle `name` below `folder`: a head that costs next to nothing and the given tail. */
export async function writeBenchBundle(folder: string, name: string, tail: Uint8Array): Promise<Bundle> {
  const headMacs = elementCount(latentDims) * 3
  const draft: ManifestDraft = {
    name,
    version: '1.0.0',
    task: 'classification',
    labels: Array.from({ length: CLASSES }, (_, label) => `class-${label}`),
    input: {
      name: 'input',
      dims: inputDims,
      layout: 'NCHW',
      mean: [0.5, 0.5, 0.5],
      std: [0.25, 0.25, 0.25],
      fit: 'fill',
    },
    output: { name: 'logits', dims: [CLASSES], kind: 'logits' },
    latent: { name: 'latent', dims: [...latentDims] },
    models: {
      local: { file: 'local.onnx', macs: 12_288, params: 52 },
      head: { file: 'head.onnx', macs: headMacs, params: 30 },
      tail: { file: 'tail.onnx', macs: 0, params: 0 },
    },
    modes: [
      { id: 1, name: 'local', route: 'local', accuracy: 0.5, payloadBytes: 0, headMacs: 12_288, tailMacs: 0 },
      {
        id: SPLIT_MODE,
        name: 'split',
        route: 'split',
        accuracy: 0.9,
        payloadBytes,
        headMacs,
        tailMacs: 0,
        quantizer: { kind: 'affine-static', bits: 8, scale: 2 / 255, zeroPoint: 128 },
      },
    ],
  }
  return writeBundle(join(folder, name), draft, {
    'local.onnx': localModel(),
    'head.onnx': headModel(),
    'tail.onnx': tail,
  })
}
