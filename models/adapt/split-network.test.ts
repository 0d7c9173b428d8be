import { describe, expect, it } from 'vitest'
import { dequantize, type Quantizer, quantize } from '../codec/index.ts'
import { seededRandom } from '../data/index.ts'
import { NetBuilder, storeHalfWeights } from '../nets/index.ts'
import { type Model, writeModel } from '../onnx/index.ts'
import { openSession, type Tensor } from '../runtime/index.ts'
import {
  adaptableNetwork,
  cemaSettings,
  halvesOf,
  NormForward,
  StudentStep,
  splitNetwork,
  withNormParameters,
} from './index.ts'

const ROWS = 4
const latentDims = [4, 8, 8]
const count = 4 * 8 * 8

function head(): Model {
  const net = new NetBuilder('head', { random: seededRandom(1) })
  const input = net.g.input('input', 'float32', ['N', 3, 32, 32])
  const stem = net.conv('stem', input, 3, 4, { kernel: 4, stride: 4 })
  net.g.output(net.norm('norm', stem, 4), 'latent', 'float32', ['N', ...latentDims])
  return net.build()
}

function tail(withNorm = true): Model {
  const net = new NetBuilder('tail', { random: seededRandom(2) })
  const latent = net.g.input('latent', 'float32', ['N', ...latentDims])
  const conv = net.conv('conv', latent, 4, 6, { kernel: 3, pad: 1 })
  const pooled = net.globalAverage(withNorm ? net.normRelu('norm', conv, 6) : net.relu(conv))
  net.g.output(net.linear('classifier', pooled, 6, 10), 'logits', 'float32', ['N', 10])
  return net.build()
}

const random = seededRandom(3)
const images: Tensor<'float32'> = {
  dtype: 'float32',
  dims: [ROWS, 3, 32, 32],
  data: Float32Array.from({ length: ROWS * 3072 }, () => random.normal()),
}

async function run(model: Model, feeds: Record<string, Tensor>): Promise<Float32Array> {
  const session = await openSession(writeModel(model))
  const outputs = await session.run(feeds)
  await session.dispose()
  return outputs[model.graph.outputs[0]!.name]!.data as Float32Array
}

/** Head, coded and decoded frame by frame, tail. */
async function overTheWire(quantizer: Quantizer, halves = { head: head(), tail: tail() }) {
  const latent = await run(halves.head, { input: images })
  const received = new Float32Array(latent.length)
  for (let row = 0; row < ROWS; row++) {
    const coded = quantize(latent.slice(row * count, (row + 1) * count), quantizer)
    received.set(dequantize(coded.packed, count, quantizer, coded), row * count)
  }
  return run(halves.tail, { latent: { dtype: 'float32', dims: [ROWS, ...latentDims], data: received } })
}

const largestDifference = (a: Float32Array, b: Float32Array): number =>
  a.reduce((largest, value, at) => Math.max(largest, Math.abs(value - b[at]!)), 0)

const coarse: Quantizer = { kind: 'affine-static', bits: 3, scale: 0.4, zeroPoint: 3 }
const gained: Quantizer = {
  kind: 'entropy',
  bits: 8,
  scale: 1,
  zeroPoint: 128,
  gains: [1, 2, 0.5, 1.5],
  tables: Array.from({ length: 4 }, () => ({ first: 120, frequencies: [...new Array(16).fill(255), 16] })),
}

describe('splitNetwork', () => {
  it.each([
    ['affine-static', coarse],
    ['entropy', gained],
  ])('answers as head and tail do over the wire: %s', async (_, quantizer) => {
    const { model } = splitNetwork({ head: head(), tail: tail(), quantizer, latentDims, learns: 'both' })
    const answered = await run(model, { input: images })
    expect(largestDifference(answered, await overTheWire(quantizer))).toBeLessThan(1e-4)
  })

  it('learns in both halves, and takes them apart again', async () => {
    const split = splitNetwork({ head: head(), tail: tail(), quantizer: coarse, latentDims, learns: 'both' })
    const network = adaptableNetwork(split.model)
    const teacher = { dtype: 'float32', dims: [ROWS, 10], data: new Float32Array(ROWS * 10) } as const
    teacher.data.forEach((_, at) => {
      teacher.data[at] = at % 11 === 0 ? 4 : 0
    })
    const step = await StudentStep.open(network, ROWS, cemaSettings)
    await step.run(images, teacher)
    const parameters = step.parameters()
    const halves = halvesOf(split, parameters)
    for (const part of ['scale', 'shift', 'mean', 'variance'] as const) {
      expect(halves.head![part], part).not.toEqual(split.head!.base[part])
      expect(halves.tail[part], part).not.toEqual(split.tail.base[part])
    }
    const apart = {
      head: withNormParameters(split.head!.model, split.head!.layout, halves.head!),
      tail: withNormParameters(split.tail.model, split.tail.layout, halves.tail),
    }
    const forward = await NormForward.open(network.model, network.layout, 'running')
    const { data } = await forward.run(images, parameters)
    expect(largestDifference(data, await overTheWire(coarse, apart))).toBeLessThan(1e-4)
    await forward.dispose()
    await step.dispose()
  })

  it('leaves the head as it is where the tail alone learns', async () => {
    const split = splitNetwork({ head: head(), tail: tail(), quantizer: coarse, latentDims, learns: 'tail' })
    expect(split.head).toBeUndefined()
    expect(adaptableNetwork(split.model).layout.channels).toBe(split.tail.layout.channels)
    const answered = await run(split.model, { input: images })
    expect(largestDifference(answered, await overTheWire(coarse))).toBeLessThan(1e-4)
  })

  it('takes halves that are stored smaller', async () => {
    const halves = { head: storeHalfWeights(head()), tail: storeHalfWeights(tail()) }
    const { model } = splitNetwork({ ...halves, quantizer: coarse, latentDims, learns: 'both' })
    expect(
      largestDifference(await run(model, { input: images }), await overTheWire(coarse, halves)),
    ).toBeLessThan(1e-4)
  })

  it('refuses a tail that has nothing to learn with, and halves of different operator sets', () => {
    const options = { head: head(), quantizer: coarse, latentDims, learns: 'tail' } as const
    expect(() => splitNetwork({ ...options, tail: tail(false) })).toThrow(/NO_NORMALISATION/)
    expect(() => splitNetwork({ ...options, tail: { ...tail(), opsets: { '': 18 } } })).toThrow(
      /NORM_MISMATCH/,
    )
  })
})
