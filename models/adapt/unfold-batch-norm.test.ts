import { describe, expect, it } from 'vitest'
import { seededRandom } from '../data/index.ts'
import { foldBatchNorm, localNet, NetBuilder, storeByteWeights, storeHalfWeights } from '../nets/index.ts'
import { type Model, writeModel } from '../onnx/index.ts'
import { openSession, type Tensor } from '../runtime/index.ts'
import {
  channelsOf,
  normLayoutOf,
  plainWeights,
  readNormParameters,
  unfoldBatchNorm,
  withNormParameters,
} from './index.ts'

const random = seededRandom(7)
const images = (rows: number): Tensor => ({
  dtype: 'float32',
  dims: [rows, 3, 32, 32],
  data: Float32Array.from({ length: rows * 3072 }, () => random.normal()),
})

function folded(): Model {
  const net = new NetBuilder('local', { random: seededRandom(3) })
  const input = net.g.input('input', 'float32', ['N', 3, 32, 32])
  net.g.output(localNet(net, input, { stage1: 8, stage2: 12 }), 'logits', 'float32', ['N', 10])
  return foldBatchNorm(net.build())
}

async function logitsOf(model: Model, input: Tensor): Promise<Float32Array> {
  const session = await openSession(writeModel(model))
  const { logits } = await session.run({ input })
  await session.dispose()
  return logits!.data as Float32Array
}

const largestDifference = (a: Float32Array, b: Float32Array): number =>
  a.reduce((largest, value, at) => Math.max(largest, Math.abs(value - b[at]!)), 0)

describe('unfoldBatchNorm', () => {
  it('gives a folded network its normalisations back without changing what it computes', async () => {
    const model = folded()
    expect(() => normLayoutOf(model)).toThrow(/unfoldBatchNorm/)
    const unfolded = await unfoldBatchNorm(model, [images(16), images(8)])
    const layout = normLayoutOf(unfolded)
    expect(layout.layers.map((layer) => layer.channels)).toEqual([8, 8, 8, 8, 8, 12, 12, 12])
    const input = images(5)
    expect(largestDifference(await logitsOf(model, input), await logitsOf(unfolded, input))).toBeLessThan(
      1e-4,
    )
  })

  it('takes the statistics of the images that it is shown', async () => {
    const shown = images(64)
    const unfolded = await unfoldBatchNorm(folded(), [shown])
    const [first] = normLayoutOf(unfolded).layers
    const { mean, variance } = readNormParameters(unfolded, normLayoutOf(unfolded))
    const raw = first!.name.concat('.raw')
    const session = await openSession(
      writeModel({ ...unfolded, graph: { ...unfolded.graph, outputs: [{ name: raw, dtype: 'float32' }] } }),
    )
    const values = (await session.run({ input: shown }))[raw]!
    await session.dispose()
    const [rows, channels, height, width] = values.dims as [number, number, number, number]
    const area = height * width
    for (let channel = 0; channel < channels; channel++) {
      let [sum, squares] = [0, 0]
      for (let row = 0; row < rows; row++)
        for (let at = 0; at < area; at++) {
          const value = values.data[(row * channels + channel) * area + at] as number
          sum += value
          squares += value * value
        }
      const expected = sum / (rows * area)
      expect(channelsOf(mean, first!)[channel]).toBeCloseTo(expected, 3)
      expect(channelsOf(variance, first!)[channel]).toBeCloseTo(squares / (rows * area) - expected ** 2, 3)
    }
  })
})

describe('plainWeights', () => {
  it.each([
    ['halves', storeHalfWeights],
    ['bytes', storeByteWeights],
  ] as const)('makes constants of weights stored as %s', async (_, store) => {
    const stored = store(folded())
    const plain = plainWeights(stored)
    expect(plain.graph.nodes.some((node) => node.op === 'Cast')).toBe(false)
    const input = images(3)
    expect(largestDifference(await logitsOf(stored, input), await logitsOf(plain, input))).toBeLessThan(1e-4)
  })
})

describe('withNormParameters', () => {
  it('changes nothing but the layers', async () => {
    const model = await unfoldBatchNorm(folded(), [images(16)])
    const layout = normLayoutOf(model)
    const parameters = readNormParameters(model, layout)
    parameters.shift.fill(0.25)
    const changed = withNormParameters(model, layout, parameters)
    expect(readNormParameters(changed, layout)).toEqual(parameters)
    const vectors = new Set(
      layout.layers.flatMap(({ scale, shift, mean, variance }) => [scale, shift, mean, variance]),
    )
    for (const [name, tensor] of model.graph.initializers)
      if (!vectors.has(name)) expect(changed.graph.initializers.get(name)).toBe(tensor)
  })

  it('refuses what no layer can compute with', async () => {
    const model = await unfoldBatchNorm(folded(), [images(16)])
    const layout = normLayoutOf(model)
    const broken = readNormParameters(model, layout)
    broken.variance[3] = 0
    expect(() => withNormParameters(model, layout, broken)).toThrow(/variance of channel 3 is 0/)
    broken.variance[3] = Number.NaN
    expect(() => withNormParameters(model, layout, broken)).toThrow(/NaN/)
    const short = { ...broken, variance: broken.variance.subarray(1) }
    expect(() => withNormParameters(model, layout, short)).toThrow(/channels/)
  })
})
