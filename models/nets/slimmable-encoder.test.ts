import { expect, it } from 'vitest'
import { seededRandom } from '../data/index.ts'
import { type ConstantTensor, type Model, parameterCount, seededFeeds, writeModel } from '../onnx/index.ts'
import { openSession } from '../runtime/index.ts'
import { ensembleEncoder, foldBatchNorm, foldSlices, NetBuilder, slimmableEncoder } from './index.ts'

const sizes = { stem: 6, stemBlocks: 1, body: 9, blocks: 2, latent: 4 }

/** Both widths in one graph, with statistics that a training could have left. */
function both(): { model: Model; weights: Map<string, ConstantTensor> } {
  const random = seededRandom(3)
  const net = new NetBuilder('both', { random })
  const x = net.g.input('input', 'float32', [2, 3, 32, 32])
  for (const width of [1, 0.5]) net.g.output(slimmableEncoder(net, x, sizes, width), `latent@${width}`)
  const model = net.build()
  for (const [name, tensor] of model.graph.initializers) {
    if (!/mean|variance|scale|shift/.test(name)) continue
    const values = new Float32Array(tensor.bytes.buffer, tensor.bytes.byteOffset, tensor.bytes.length / 4)
    for (let at = 0; at < values.length; at++) values[at] = 0.5 + random.uniform()
  }
  return { model, weights: new Map(model.graph.initializers) }
}

const run = async (model: Model) => {
  const session = await openSession(writeModel(model))
  const results = await session.run(seededFeeds(model, { input: [2, 3, 32, 32] }))
  await session.dispose()
  return results
}

it.each([1, 0.5])('width %s on its own gives what it gives among all widths', async (width) => {
  const { model, weights } = both()
  const net = new NetBuilder('one', { random: seededRandom(9), weights })
  const x = net.g.input('input', 'float32', [2, 3, 32, 32])
  net.g.output(slimmableEncoder(net, x, sizes, width), 'latent')
  const alone = foldBatchNorm(foldSlices(net.build()))
  expect(alone.graph.nodes.some((node) => node.op === 'Slice' || node.op === 'BatchNormalization')).toBe(
    false,
  )
  const [shared, own] = [await run(model), await run(alone)]
  const wanted = shared[`latent@${width}`]!.data as Float32Array
  const given = own.latent!.data as Float32Array
  expect(own.latent!.dims).toEqual([2, 4, 7, 7])
  given.forEach((value, at) => {
    expect(Math.abs(value - wanted[at]!)).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(wanted[at]!)))
  })
})

it('shares every kernel between the widths, and no normalisation', () => {
  const names = [...both().weights.keys()].filter((name) => name.startsWith('encoder.'))
  const kernels = names.filter((name) => name.endsWith('.weight'))
  expect(kernels).toHaveLength(2 + 4 * 3)
  expect(kernels.some((name) => name.includes('@'))).toBe(false)
  expect(names.filter((name) => name.endsWith('norm@1.mean'))).toHaveLength(14)
  expect(names.filter((name) => name.endsWith('norm@0.5.mean'))).toHaveLength(14)
})

it('takes half the channels at half the width, half a channel more where it does not come out even', () => {
  const { weights } = both()
  const net = new NetBuilder('one', { random: seededRandom(9), weights })
  const x = net.g.input('input', 'float32', [1, 3, 32, 32])
  net.g.output(slimmableEncoder(net, x, sizes, 0.5), 'latent')
  const model = foldBatchNorm(foldSlices(net.build()))
  expect(model.graph.initializers.get('encoder.latent.weight')?.dims ?? []).not.toEqual([4, 9, 2, 2])
  // Weights and a bias for each output: stem, three inverted residual blocks of 3 → 3, 3 → 5 and twice 5 → 5 channels, latent.
  const block = (inputs: number, inner: number, outputs: number) =>
    (inputs + 1) * inner + (9 + 1) * inner + (inner + 1) * outputs
  expect(parameterCount(model.graph)).toBe(
    (3 * 16 + 1) * 3 + block(3, 9, 3) + block(3, 9, 5) + 2 * block(5, 10, 5) + (5 * 4 + 1) * 4,
  )
})

it('members of an ensemble add up, and the first ones are the same whatever follows', async () => {
  const net = new NetBuilder('ensemble', { random: seededRandom(4) })
  const x = net.g.input('input', 'float32', [2, 3, 32, 32])
  net.g.output(ensembleEncoder(net, x, sizes, 1), 'one')
  net.g.output(ensembleEncoder(net, x, sizes, 2), 'two')
  net.g.output(slimmableEncoder(net, x, sizes, 1, 'encoder.2'), 'second')
  const { one, two, second } = await run(net.build())
  const value = (tensor: typeof one, at: number) => Number(tensor!.data[at])
  two!.data.forEach((sum, at) => {
    expect(Number(sum)).toBeCloseTo(value(one, at) + 0.5 * value(second, at), 4)
  })
})
