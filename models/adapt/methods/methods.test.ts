import { afterAll, describe, expect, it } from 'vitest'
import { seededRandom } from '../../data/index.ts'
import { localNet, NetBuilder } from '../../nets/index.ts'
import type { Tensor } from '../../runtime/index.ts'
import { adaptableNetwork, imageTensor, lastStageLayers } from '../adaptable-network.ts'
import type { Adapter } from '../adapter.ts'
import { NormForward } from '../norm-forward.ts'
import { eata, entropyAdapter, eta, tent } from './entropy-adapter.ts'
import { FisherInformation } from './fisher.ts'
import { fixedAdapter } from './fixed.ts'
import { sar, sarAdapter } from './sar.ts'

const ROWS = 16
const net = new NetBuilder('local', { random: seededRandom(3) })
const input = net.g.input('input', 'float32', ['N', 3, 32, 32])
net.g.output(localNet(net, input, { stage1: 6, stage2: 8 }), 'logits', 'float32', ['N', 10])
const network = adaptableNetwork(net.build())

const batch = (seed: number): Tensor<'float32'> => {
  const random = seededRandom(seed)
  const brightness = Array.from({ length: ROWS }, () => random.normal())
  const data = Float32Array.from(
    { length: ROWS * 3072 },
    (_, at) => random.normal() + brightness[Math.floor(at / 3072)]!,
  )
  return imageTensor(data, ROWS, network)
}

/** The same network with the running statistics of a batch, as a trained one has those of its data. */
async function fitted(images: Tensor<'float32'>) {
  const forward = await NormForward.open(network.model, network.layout, 'batch')
  const { moments } = await forward.runWithMoments(images, network.source)
  await forward.dispose()
  return { ...network, source: { ...network.source, ...moments } }
}
const steady = await fitted(batch(2))

const opened: Adapter[] = []
const keep = <A extends Adapter>(adapter: A): A => {
  opened.push(adapter)
  return adapter
}
afterAll(async () => {
  for (const adapter of opened) await adapter.dispose()
})

const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length
const distance = (a: Float32Array, b: Float32Array) => Math.hypot(...a.map((value, at) => value - b[at]!))

/** All of it counts, so that a network that has learned nothing yet is learned from. */
const everything = { upperShare: 2, similarity: 2 }

describe.each([
  ['tent', network, () => entropyAdapter(network, tent)],
  ['eta', network, () => entropyAdapter(network, { ...eta, ...everything })],
  [
    'tent by running statistics',
    steady,
    () => entropyAdapter(steady, { ...tent, normalisation: 'running' as const }),
  ],
  ['sar', network, () => sarAdapter(network, { ...sar, upperShare: 2 })],
])('%s', (_, { source, model }, make) => {
  it('answers before it learns, changes, and forgets when it is told to', async () => {
    const adapter = keep(make())
    const images = batch(1)
    const first = await adapter.answer(images)
    expect(adapter.parameters()).not.toEqual(source)
    const second = await adapter.answer(images)
    expect(second.logits).not.toEqual(first.logits)
    adapter.reset()
    expect(adapter.parameters()).toEqual(source)
    expect((await adapter.answer(images)).logits).toEqual(first.logits)
  })

  it('becomes surer of what it sees again and again', async () => {
    const adapter = keep(make())
    const entropies: number[] = []
    for (let step = 0; step < 20; step++) entropies.push(mean((await adapter.answer(batch(2))).entropy))
    expect(entropies.at(-1)).toBeLessThan(entropies[0]!)
  })

  it('leaves every other weight as it is', async () => {
    const before = new Map([...model.graph.initializers].map(([name, { bytes }]) => [name, bytes.slice()]))
    const adapter = keep(make())
    for (let step = 0; step < 10; step++) await adapter.answer(batch(step))
    for (const [name, { bytes }] of model.graph.initializers)
      expect(Buffer.compare(bytes, before.get(name)!)).toBe(0)
  })
})

describe('fixed methods', () => {
  it('answer as packed, and by the statistics of the batch', async () => {
    const images = batch(3)
    for (const [method, normalisation] of [
      ['source', 'running'],
      ['bn-1', 'batch'],
    ] as const) {
      const adapter = keep(await fixedAdapter(network, method))
      const forward = await NormForward.open(network.model, network.layout, normalisation)
      expect((await adapter.answer(images)).logits).toEqual((await forward.run(images, network.source)).data)
      expect(adapter.parameters()).toEqual(network.source)
      await forward.dispose()
    }
  })
})

describe('eta', () => {
  it('lets the first batch through whole, and then only answers that are unlike the usual one', async () => {
    const adapter = keep(entropyAdapter(network, { ...eta, upperShare: 2, similarity: 1e-6 }))
    expect((await adapter.answer(batch(4))).selected).toEqual(new Uint8Array(ROWS).fill(1))
    const after = adapter.parameters()
    expect((await adapter.answer(batch(5))).selected).toEqual(new Uint8Array(ROWS))
    // Nothing was learned, but the statistics go on.
    expect(adapter.parameters().scale).toEqual(after.scale)
    expect(adapter.parameters().mean).not.toEqual(after.mean)
  })

  it('does not learn from answers that are not sure', async () => {
    const adapter = keep(entropyAdapter(network, { ...eta, upperShare: 0.01 }))
    expect((await adapter.answer(batch(4))).selected).toEqual(new Uint8Array(ROWS))
    expect(adapter.parameters().scale).toEqual(network.source.scale)
  })
})

describe('eata', () => {
  it('does not pass for itself when nothing says what mattered', () => {
    expect(() => entropyAdapter(network, eata)).toThrow(/NO_FISHER/)
  })

  it('stays nearer to the source, the more what mattered there counts', async () => {
    const fisher = await FisherInformation.measure(network, [batch(6), batch(7)])
    expect(Math.min(...fisher.diagonal.scale)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...fisher.diagonal.scale)).toBeGreaterThan(0)
    const gone: number[] = []
    for (const fisherWeight of [0, 1e4]) {
      const adapter = keep(
        entropyAdapter(
          network,
          { ...eata, ...everything, fisherWeight, optimizer: { kind: 'sgd', rate: 1e-4, momentum: 0.9 } },
          fisher,
        ),
      )
      for (let step = 0; step < 10; step++) await adapter.answer(batch(step))
      gone.push(distance(adapter.parameters().scale, network.source.scale))
    }
    expect(gone[1]).toBeLessThan(gone[0]!)
  })
})

describe('sar', () => {
  it('leaves the last stage alone', async () => {
    const adapter = keep(sarAdapter(network, { ...sar, upperShare: 2 }))
    await adapter.answer(batch(1))
    // The layers at 8×8: one behind the convolution that halves the image, two in the last block.
    expect(lastStageLayers(network)).toBe(3)
    const { scale } = adapter.parameters()
    const from = network.layout.layers[5]!.offset
    expect(scale.subarray(from)).toEqual(network.source.scale.subarray(from))
    expect(scale.subarray(0, from)).not.toEqual(network.source.scale.subarray(0, from))
  })

  it('starts over when its answers have collapsed', async () => {
    const adapter = keep(sarAdapter(network, { ...sar, upperShare: 2, collapseShare: 2 }))
    await adapter.answer(batch(1))
    expect(adapter.parameters()).toEqual(network.source)
  })
})

describe('adaptableNetwork', () => {
  it('refuses a network that takes no images', () => {
    const other = new NetBuilder('flat', { random: seededRandom(1) })
    const x = other.g.input('input', 'float32', ['N', 12])
    other.g.output(other.linear('linear', x, 12, 3), 'logits', 'float32', ['N', 3])
    expect(() => adaptableNetwork(other.build())).toThrow(/images/)
  })
})
