import { expect, it } from 'vitest'
import { seededRandom } from '../data/index.ts'
import { float32Tensor, GraphBuilder, writeModel } from '../onnx/index.ts'
import { openSession, type Tensor } from '../runtime/index.ts'
import { factorizedPrior, gains, NetBuilder } from './index.ts'

const tensor = (dims: number[], data: number[] | Float32Array): Tensor => ({
  dtype: 'float32',
  dims,
  data: Float32Array.from(data),
})

async function run(g: GraphBuilder, feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> {
  const session = await openSession(writeModel(g.build()))
  const results = await session.run(feeds)
  await session.dispose()
  return results
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))

it('counts the bits of a mixture of logistics, tier by tier', async () => {
  const [channels, perChannel, tiers] = [2, 5, 2]
  const random = seededRandom(1)
  const draw = () => Float32Array.from({ length: tiers * channels * 3 }, () => random.normal())
  const [means, logScales, shares] = [draw(), draw(), draw()]
  const stored = (values: Float32Array) => float32Tensor(values, [tiers, channels * 3])
  const weights = new Map([
    ['prior.mean', stored(means)],
    ['prior.log_scale', stored(logScales)],
    ['prior.share', stored(shares)],
  ])
  const g = new GraphBuilder('bits', 17)
  const net = new NetBuilder('bits', { random, weights, graph: g })
  const y = g.input('y', 'float32', [2, channels, perChannel])
  const mix = g.input('mix', 'float32', [2, tiers])
  g.output(factorizedPrior(net, y, { batch: 2, channels, perChannel, tiers }, mix), 'bits')
  const values = Float32Array.from({ length: 2 * channels * perChannel }, () => 4 * random.normal())
  const mixing = [0.25, 0.75, 1, 0]
  const { bits } = await run(g, {
    y: tensor([2, channels, perChannel], values),
    mix: tensor([2, tiers], mixing),
  })
  for (let frame = 0; frame < 2; frame++) {
    for (let channel = 0; channel < channels; channel++) {
      const own = (of: Float32Array, k: number) =>
        [0, 1].reduce(
          (sum, tier) => sum + mixing[2 * frame + tier]! * of[(tier * channels + channel) * 3 + k]!,
          0,
        )
      const weightsOfParts = [0, 1, 2].map((k) => Math.exp(own(shares, k)))
      const total = weightsOfParts.reduce((sum, value) => sum + value)
      let wanted = 0
      for (let at = 0; at < perChannel; at++) {
        const value = values[(frame * channels + channel) * perChannel + at]!
        const mass = [0, 1, 2].reduce((sum, k) => {
          const scale = Math.exp(own(logScales, k))
          const below = (edge: number) => sigmoid((value + edge - own(means, k)) / scale)
          return sum + (weightsOfParts[k]! / total) * (below(0.5) - below(-0.5))
        }, 0)
        wanted -= Math.log2(mass + 1e-9)
      }
      expect(bits!.data[frame * channels + channel]).toBeCloseTo(wanted, 2)
    }
  }
})

it('lets what a decoder has by then shift a value, and nothing else', async () => {
  const [channels, rows, columns] = [2, 3, 3]
  const perChannel = rows * columns
  const random = seededRandom(6)
  const kernel = Float32Array.from({ length: channels * channels * 9 }, () => random.normal())
  const weights = new Map([['prior.context', float32Tensor(kernel, [channels, channels, 3, 3])]])
  const y = Float32Array.from({ length: channels * perChannel }, () => 3 * random.normal())
  const dims = [1, channels, rows, columns]
  const bitsOf = async (values: Float32Array, plane?: readonly [number, number]) => {
    const g = new GraphBuilder('shifted', 17)
    const net = new NetBuilder('shifted', { random: seededRandom(1), weights, graph: g })
    const input = g.input('y', 'float32', dims)
    g.output(factorizedPrior(net, input, { batch: 1, channels, perChannel, ...(plane && { plane }) }), 'bits')
    const { bits } = await run(g, { y: tensor(dims, values) })
    return bits!.data as Float32Array
  }
  const shifted = y.map((value, at) => {
    const [channel, row, column] = [
      Math.floor(at / perChannel),
      Math.floor(at / columns) % rows,
      at % columns,
    ]
    let expected = 0
    for (let source = 0; source <= channel; source++) {
      for (let place = 0; place < (source < channel ? 9 : 4); place++) {
        const [other, beside] = [row + Math.floor(place / 3) - 1, column + (place % 3) - 1]
        if (other < 0 || other >= rows || beside < 0 || beside >= columns) continue
        expected +=
          kernel[(channel * channels + source) * 9 + place]! * y[(source * rows + other) * columns + beside]!
      }
    }
    return value - expected
  })
  const [found, wanted] = [await bitsOf(y, [rows, columns]), await bitsOf(shifted)]
  wanted.forEach((bits, channel) => {
    expect(found[channel]! / bits).toBeCloseTo(1, 4)
  })
})

it('gives codes that share one probability among them', async () => {
  const g = new GraphBuilder('codes', 17)
  const net = new NetBuilder('codes', { random: seededRandom(1), graph: g })
  const codes = Float32Array.from({ length: 81 }, (_, at) => at - 40)
  const y = g.input('y', 'float32', [81, 1, 1])
  g.output(factorizedPrior(net, y, { batch: 81, channels: 1, perChannel: 1 }), 'bits')
  const { bits } = await run(g, { y: tensor([81, 1, 1], codes) })
  const total = (bits!.data as Float32Array).reduce((sum, value) => sum + 2 ** -value, 0)
  expect(total).toBeCloseTo(1, 4)
})

it('blends the gains of two tiers geometrically, and starts with an inverse that undoes them', async () => {
  const g = new GraphBuilder('gains', 17)
  const net = new NetBuilder('gains', { random: seededRandom(1), graph: g })
  const mix = g.input('mix', 'float32', [3, 2])
  const { gain, inverse } = gains(net, mix, { batch: 3, channels: 4, start: [4, 1] })
  g.output(gain, 'gain')
  g.output(inverse, 'inverse')
  const results = await run(g, { mix: tensor([3, 2], [1, 0, 0.5, 0.5, 0, 1]) })
  expect(results.gain!.dims).toEqual([3, 4, 1, 1])
  const wanted = [4, 2, 1]
  results.gain!.data.forEach((value, at) => {
    expect(value).toBeCloseTo(wanted[Math.floor(at / 4)]!, 5)
    expect(Number(value) * Number(results.inverse!.data[at])).toBeCloseTo(1, 5)
  })
})
