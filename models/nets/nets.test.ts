import { describe, expect, it } from 'vitest'
import { type LabelledImages, seededRandom } from '../data/index.ts'
import {
  float32Values,
  inferShapes,
  type Model,
  multiplyAdds,
  parameterCount,
  readModel,
  seededFeeds,
  writeModel,
} from '../onnx/index.ts'
import { openSession } from '../runtime/index.ts'
import {
  bottleFitDecoder,
  bottleFitEncoder,
  foldBatchNorm,
  localNet,
  mobileNet,
  NetBuilder,
  storeHalfWeights,
  teacher,
  weightsOf,
  whiteningKernels,
} from './index.ts'

const random = seededRandom(3)
const noise: LabelledImages = {
  count: 40,
  channels: 3,
  height: 32,
  width: 32,
  // Neighbouring pixels and channels are alike, as in photographs.
  pixels: Uint8Array.from(
    { length: 40 * 3072 },
    (_, at) => 128 + 60 * Math.sin(at / 9) + 40 * (random.uniform() - 0.5),
  ),
  labels: new Uint8Array(40),
}
const half = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] }

function net(build: (net: NetBuilder, x: string) => string): Model {
  const builder = new NetBuilder('net', { random: seededRandom(1) })
  const x = builder.g.input('input', 'float32', ['N', 3, 32, 32])
  builder.g.output(build(builder, x), 'output')
  return builder.build()
}

async function outputOf(model: Model): Promise<Float32Array> {
  const session = await openSession(writeModel(model))
  const feeds = seededFeeds(model, { input: [2, 3, 32, 32] }, 5)
  const result = await session.run(feeds)
  await session.dispose()
  return result.output!.data as Float32Array
}

const farthest = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, value, index) => Math.max(most, Math.abs(value - b[index]!)), 0)

describe('the networks that ship', () => {
  it.each([
    ['local', localNet, { stage1: 32, stage2: 40 }],
    ['mobile', mobileNet, { stage1: 32, stage2: 54 }],
  ] as const)('%s stays within 12.5 M multiply-adds and 80,000 parameters', (_, build, widths) => {
    const model = foldBatchNorm(net((builder, x) => build(builder, x, widths)))
    const types = inferShapes(model, { input: [1, 3, 32, 32] })
    const macs = model.graph.nodes.reduce((sum, node) => sum + (multiplyAdds(node, types) ?? 0), 0)
    expect(macs).toBeLessThanOrEqual(12.5e6)
    expect(parameterCount(model.graph)).toBeLessThanOrEqual(80_000)
  })

  it("a decoder gives back the shape of the teacher's second group", () => {
    const widths = { stem: 8, body: 12, latent: 10, decoder: 16 }
    const model = net((builder, x) =>
      bottleFitDecoder(builder, bottleFitEncoder(builder, x, widths), widths, 24),
    )
    const types = inferShapes(model, { input: [2, 3, 32, 32] })
    expect(types.get('output')?.dims).toEqual([2, 24, 7, 7])
    const whitening = whiteningKernels(noise, half)
    const builder = new NetBuilder('teacher', { random: seededRandom(1) })
    const x = builder.g.input('input', 'float32', ['N', 3, 32, 32])
    const taps = teacher(builder, x, { group1: 8, group2: 24, group3: 16 }, () => whitening)
    builder.g.output(taps.logits, 'output')
    expect(inferShapes(builder.build(), { input: [2, 3, 32, 32] }).get(taps.group2)?.dims).toEqual([
      2, 24, 7, 7,
    ])
  })
})

describe('foldBatchNorm', () => {
  it('changes nothing but the last digits, and leaves no normalisation behind a convolution', async () => {
    const model = net((builder, x) => localNet(builder, x, { stage1: 4, stage2: 6 }))
    const weights = weightsOf(model)
    for (const [name, tensor] of weights) {
      if (!/\.(mean|variance|scale|shift)$/.test(name)) continue
      const values = float32Values(tensor)
      for (let at = 0; at < values.length; at++) values[at] = 0.5 + random.uniform()
    }
    const folded = foldBatchNorm(model)
    expect(folded.graph.nodes.some((node) => node.op === 'BatchNormalization')).toBe(false)
    expect(farthest(await outputOf(folded), await outputOf(model))).toBeLessThan(1e-4)
  })
})

describe('storeHalfWeights', () => {
  it('halves the file and keeps names and, nearly, values', async () => {
    const model = net((builder, x) => localNet(builder, x, { stage1: 8, stage2: 12 }))
    const stored = storeHalfWeights(model)
    const bytes = writeModel(stored)
    expect(bytes.length).toBeLessThan(0.65 * writeModel(model).length)
    const back = weightsOf(readModel(bytes))
    for (const [name, tensor] of weightsOf(model)) {
      expect(farthest(float32Values(back.get(name)!), float32Values(tensor))).toBeLessThan(1e-3)
    }
    const outputs = await outputOf(model)
    const largest = outputs.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    expect(farthest(await outputOf(stored), outputs)).toBeLessThan(1e-2 * largest)
  })
})

describe('whiteningKernels', () => {
  it('decorrelates patches and scales them to unit variance, each kernel with its negative', async () => {
    const kernels = whiteningKernels(noise, half)
    expect(kernels.dims).toEqual([24, 3, 2, 2])
    const values = float32Values(kernels)
    const patches = 40 * 31 * 31
    const products = new Float64Array(144)
    const pixel = (image: number, channel: number, y: number, x: number) =>
      (noise.pixels[((image * 3 + channel) * 32 + y) * 32 + x]! / 255 - 0.5) / 0.25
    for (let image = 0; image < 40; image++) {
      for (let y = 0; y < 31; y++) {
        for (let x = 0; x < 31; x++) {
          const responses = Array.from({ length: 12 }, (_, kernel) => {
            let sum = 0
            for (let at = 0; at < 12; at++) {
              sum += values[kernel * 12 + at]! * pixel(image, at >> 2, y + ((at >> 1) & 1), x + (at & 1))
            }
            return sum
          })
          for (let i = 0; i < 12; i++)
            for (let j = 0; j < 12; j++) products[i * 12 + j]! += responses[i]! * responses[j]!
        }
      }
    }
    for (let i = 0; i < 12; i++) {
      for (let j = 0; j < 12; j++) expect(products[i * 12 + j]! / patches).toBeCloseTo(i === j ? 1 : 0, 1)
    }
    expect(Array.from(values.subarray(144))).toEqual(Array.from(values.subarray(0, 144), (value) => -value))
  })
})
