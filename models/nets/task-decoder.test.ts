import { describe, expect, it } from 'vitest'
import { seededRandom } from '../data/index.ts'
import { float32Values, inferShapes, multiplyAdds, seededFeeds, writeModel } from '../onnx/index.ts'
import { openSession } from '../runtime/index.ts'
import { foldSlices, NetBuilder, taskDecoder, weightsOf } from './index.ts'

const sizes = { task: 'coarse', latent: [10, 7, 7], channels: 8, classes: 2 } as const

function decoder(width: number) {
  const net = new NetBuilder('decoder', { random: seededRandom(1) })
  const latent = net.g.input('latent', 'float32', ['N', 10, 7, 7])
  net.g.output(taskDecoder(net, latent, sizes, width), 'logits')
  return { model: net.build(), net }
}

function macs(width: number): number {
  const model = foldSlices(decoder(width).model)
  const types = inferShapes(model, { latent: [1, 10, 7, 7] })
  return model.graph.nodes.reduce((sum, node) => sum + (multiplyAdds(node, types) ?? 0), 0)
}

describe('a slimmable decoder', () => {
  it('gives one score for each class, at every width', async () => {
    for (const width of [0.25, 0.5, 1]) {
      const { model } = decoder(width)
      const session = await openSession(writeModel(model))
      const { logits } = await session.run(seededFeeds(model, { latent: [3, 10, 7, 7] }, 2))
      await session.dispose()
      expect(logits!.dims).toEqual([3, 2])
    }
  })

  it('has one kernel for all widths, of which a narrow one does the first channels: far less work', () => {
    const wide = weightsOf(decoder(1).model)
    const narrow = weightsOf(decoder(0.5).model)
    for (const layer of ['entry', 'inner', 'half', 'classifier']) {
      const name = `coarse.${layer}.weight`
      expect(float32Values(narrow.get(name)!)).toEqual(float32Values(wide.get(name)!))
    }
    expect(macs(0.5)).toBeLessThan(0.4 * macs(1))
    expect(macs(1)).toBe(49 * 10 * 8 * 9 + 49 * 8 * 8 * 9 + 16 * 8 * 8 * 9 + 16 * 8 * 2)
  })

  it('keeps what its normalisations know apart from width to width', () => {
    expect(decoder(0.5).net.vectors).toContain('coarse.half.norm@0.5.scale')
    expect(decoder(1).net.vectors).toContain('coarse.half.norm@1.scale')
  })
})
