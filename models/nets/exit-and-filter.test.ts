import { describe, expect, it } from 'vitest'
import { seededRandom } from '../data/index.ts'
import { inferShapes, type Model, multiplyAdds, seededFeeds, writeModel } from '../onnx/index.ts'
import { openSession } from '../runtime/index.ts'
import { exitNet, filterNet, interest, NetBuilder } from './index.ts'

function net(dims: readonly number[], build: (net: NetBuilder, x: string) => string): Model {
  const builder = new NetBuilder('net', { random: seededRandom(4) })
  const x = builder.g.input('x', 'float32', ['N', ...dims])
  builder.g.output(build(builder, x), 'y')
  return builder.build()
}

async function outputOf(model: Model, dims: readonly number[]) {
  const session = await openSession(writeModel(model))
  const { y } = await session.run(seededFeeds(model, { x: [3, ...dims] }, 6))
  await session.dispose()
  return { dims: y!.dims, values: y!.data as Float32Array }
}

function macsOf(model: Model, dims: readonly number[]): number {
  const types = inferShapes(model, { x: [1, ...dims] })
  return model.graph.nodes.reduce((sum, node) => sum + (multiplyAdds(node, types) ?? 0), 0)
}

describe('a filter', () => {
  it.each([
    [3, 32, 32],
    [3, 45, 31],
  ])('gives one probability for images of %d×%d×%d', async (...dims) => {
    const model = net(dims, (builder, x) => interest(builder, filterNet(builder, x, [8, 12, 16])))
    const { dims: given, values } = await outputOf(model, dims)
    expect(given).toEqual([3, 1])
    for (const value of values) {
      expect(value).toBeGreaterThan(0)
      expect(value).toBeLessThan(1)
    }
  })

  it('is the softmax of no and yes', async () => {
    const dims = [3, 32, 32]
    const logits = await outputOf(
      net(dims, (builder, x) => filterNet(builder, x, [8, 12, 16])),
      dims,
    )
    const model = net(dims, (builder, x) => interest(builder, filterNet(builder, x, [8, 12, 16])))
    const { values } = await outputOf(model, dims)
    values.forEach((value, row) => {
      const [no, yes] = [Math.exp(logits.values[2 * row]!), Math.exp(logits.values[2 * row + 1]!)]
      expect(value).toBeCloseTo(yes / (no + yes), 4)
    })
  })
})

describe('an exit', () => {
  it.each([
    [10, 7, 7],
    [4, 6, 9],
  ])('gives one score for each class on a bottleneck of %d×%d×%d', async (...dims) => {
    const sizes = { latent: dims, width: 6, classes: 5 }
    const model = net(dims, (builder, x) => exitNet(builder, x, sizes))
    expect((await outputOf(model, dims)).dims).toEqual([3, 5])
  })

  it('costs what its sizes say', () => {
    const dims = [10, 7, 7]
    const model = net(dims, (builder, x) => exitNet(builder, x, { latent: dims, width: 48, classes: 10 }))
    const convolutions = 49 * 9 * (10 * 48 + 48 * 48) + 16 * 9 * 48 * 48
    expect(macsOf(model, dims)).toBe(convolutions + 16 * 48 * 10)
  })
})
