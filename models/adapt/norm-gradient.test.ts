import { describe, expect, it } from 'vitest'
import { seededRandom } from '../data/index.ts'
import { localNet, NetBuilder } from '../nets/index.ts'
import type { Tensor } from '../runtime/index.ts'
import type { Normalisation } from './graph-with-norms.ts'
import { selectiveEntropyLoss } from './losses.ts'
import { NormForward } from './norm-forward.ts'
import { NormGradient } from './norm-gradient.ts'
import { normLayoutOf } from './norm-layers.ts'
import { copyNormParameters, type NormParameters, readNormParameters } from './norm-parameters.ts'

const ROWS = 6
const random = seededRandom(11)
const net = new NetBuilder('local', { random: seededRandom(3) })
const input = net.g.input('input', 'float32', ['N', 3, 32, 32])
net.g.output(localNet(net, input, { stage1: 6, stage2: 8 }), 'logits', 'float32', ['N', 10])
const model = net.build()
const layout = normLayoutOf(model)

const tensor = (dims: number[], make: () => number): Tensor => ({
  dtype: 'float32',
  dims,
  data: Float32Array.from({ length: dims.reduce((product, dim) => product * dim, 1) }, make),
})
const images = tensor([ROWS, 3, 32, 32], () => random.normal())

/** Statistics that are not those of the batch, so that both ways of normalising differ. */
function someParameters(): NormParameters {
  const parameters = copyNormParameters(readNormParameters(model, layout))
  for (let at = 0; at < layout.channels; at++) {
    parameters.scale[at] = 0.8 + 0.4 * random.uniform()
    parameters.shift[at] = 0.2 * random.normal()
    parameters.mean[at] = 0.3 * random.normal()
    parameters.variance[at] = 0.5 + random.uniform()
  }
  return parameters
}

const open = (normalisation: Normalisation) =>
  NormGradient.open(model, layout, {
    normalisation,
    inputDims: { input: [ROWS, 3, 32, 32] },
    loss: (graph) => selectiveEntropyLoss(graph, ROWS, 10),
  })

const scalar = (value: number): Tensor => ({ dtype: 'float32', dims: [], data: Float32Array.of(value) })
const everything = (over: Record<string, Tensor> = {}) => ({
  input: images,
  allowed: tensor([ROWS], () => 1),
  centre: tensor([10], () => 0),
  upper: scalar(100),
  similarity: scalar(2),
  sharpness: scalar(0),
  margin: scalar(0),
  ...over,
})

describe('NormGradient', () => {
  it.each(['batch', 'running'] as const)(
    'answers as the network does that normalises by %s statistics',
    async (normalisation) => {
      const parameters = someParameters()
      const gradient = await open(normalisation)
      const forward = await NormForward.open(model, layout, normalisation)
      const { values } = await gradient.run(everything(), parameters)
      const expected = (await forward.run(images, parameters)).data
      const logits = values.logits!.data as Float32Array
      logits.forEach((value, at) => {
        expect(Math.abs(value - expected[at]!)).toBeLessThan(1e-4)
      })
      await gradient.dispose()
      await forward.dispose()
    },
  )

  it('answers a single image the same, whatever it comes with, when statistics are running', async () => {
    const parameters = someParameters()
    const forward = await NormForward.open(model, layout, 'running')
    const together = (await forward.run(images, parameters)).data
    const alone = await forward.run(
      { ...images, dims: [1, 3, 32, 32], data: (images.data as Float32Array).subarray(0, 3072) } as Tensor,
      parameters,
    )
    alone.data.forEach((value, at) => {
      expect(Math.abs(value - together[at]!)).toBeLessThan(1e-5)
    })
    await forward.dispose()
  })

  it('tells the moments of the batch in front of each layer', async () => {
    const parameters = someParameters()
    const gradient = await open('batch')
    const { moments } = await gradient.run(everything(), parameters)
    await gradient.dispose()
    // Normalised by these moments as running statistics, the batch is answered as by its own (but for n / (n − 1)).
    const [own, by] = await Promise.all(
      (['batch', 'running'] as const).map(async (normalisation) => {
        const forward = await NormForward.open(model, layout, normalisation)
        const logits = await forward.run(images, { ...parameters, ...moments })
        await forward.dispose()
        return logits.data
      }),
    )
    own!.forEach((value, at) => {
      expect(Math.abs(value - by![at]!)).toBeLessThan(2e-2)
    })
  })

  it('differentiates through the statistics of the batch', async () => {
    const parameters = someParameters()
    const gradient = await open('batch')
    const { gradient: slope } = await gradient.run(everything(), parameters)
    for (const at of [0, 5, 17, 30, layout.channels - 1]) {
      for (const kind of ['scale', 'shift'] as const) {
        const lossAt = async (step: number) => {
          const moved = copyNormParameters(parameters)
          moved[kind][at]! += step
          return (await gradient.run(everything(), moved)).loss
        }
        const numeric = ((await lossAt(5e-3)) - (await lossAt(-5e-3))) / 1e-2
        // In float32 a difference of losses is good to some 1e-5 of 1e-2.
        expect(Math.abs(slope[kind][at]! - numeric)).toBeLessThan(2e-3 + 0.03 * Math.abs(numeric))
      }
    }
    await gradient.dispose()
  })
})
