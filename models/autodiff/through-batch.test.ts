import { describe, expect, it } from 'vitest'
import { seededRandom } from '../data/index.ts'
import { float, float32Tensor, GraphBuilder, type Model, writeModel } from '../onnx/index.ts'
import { openSession } from '../runtime/index.ts'
import { THROUGH_BATCH } from './batch-statistics.ts'
import { STOP_GRADIENT } from './rules/index.ts'
import { compileTrainingStep } from './training-step.ts'

const dims = [6, 3, 4, 4] as const
const random = seededRandom(5)
const normals = (count: number) => Float32Array.from({ length: count }, () => random.normal())
const x = normals(6 * 3 * 16).map((value) => 2 * value + 0.5)
const weights = normals(3 * 3)
const target = normals(6 * 3 * 16)
const vectors = {
  scale: Float32Array.of(0.5, 1.5, -1),
  shift: Float32Array.of(0.1, -0.2, 0.3),
  mean: Float32Array.of(0.2, -0.4, 1),
  variance: Float32Array.of(2, 3, 9),
}
const epsilon = 1e-3

/** A convolution that is learnt, then a normalisation, then half the squared distance to a target. */
function graphWith(norm: (g: GraphBuilder, value: string) => void): Model {
  const g = new GraphBuilder('norm', 17, 'n/')
  g.input('x', 'float32', dims)
  for (const [name, values] of Object.entries(vectors)) g.constant(float32Tensor(values), name)
  g.constant(float32Tensor(weights, [3, 3, 1, 1]), 'w')
  norm(g, g.op('Conv', ['x', 'w']))
  const rest = g.op('Sub', ['y', g.constant(float32Tensor(target, [...dims]))])
  g.op('ReduceSum', [g.op('Mul', [g.op('Mul', [rest, rest]), g.scalar(0.5)])], { keepdims: 0 }, 'loss')
  g.output('y')
  g.output('loss')
  return g.build()
}

const inOne = graphWith((g, value) => {
  const inputs = [value, 'scale', 'shift', 'mean', 'variance']
  const attributes = { epsilon: float(epsilon), momentum: float(0) }
  const about = { op: 'BatchNormalization', domain: '', inputs, outputs: ['y'], attributes }
  g.node({ ...about, name: `${THROUGH_BATCH}/y` })
})

/** The same as its authors write it: whitened by the batch, then corrected by two held vectors. */
const inSteps = graphWith((g, value) => {
  const attributes = {
    epsilon: float(epsilon),
    momentum: float(0),
    training_mode: { type: 'int' as const, value: 1 },
  }
  const ones = g.constant(float32Tensor(new Float32Array(3).fill(1)))
  const zeros = g.constant(float32Tensor(new Float32Array(3)))
  const outputs = ['white', 'white.batch_mean', 'white.batch_variance']
  g.ops('BatchNormalization', [value, ones, zeros, 'mean', 'variance'], attributes, outputs)
  const deviation = (of: string) => g.op('Sqrt', [g.op('Add', [of, g.scalar(epsilon)])])
  const hold = (of: string) => g.op('Identity', [of], {}, `${STOP_GRADIENT}/${of}`)
  const ratio = hold(g.op('Div', [deviation('white.batch_variance'), deviation('variance')]))
  const distance = hold(g.op('Div', [g.op('Sub', ['white.batch_mean', 'mean']), deviation('variance')]))
  const perChannel = (of: string) => g.op('Reshape', [of, g.ints([1, 3, 1, 1])])
  const corrected = g.op('Add', [g.op('Mul', ['white', perChannel(ratio)]), perChannel(distance)])
  g.op('Add', [g.op('Mul', [corrected, perChannel('scale')]), perChannel('shift')], {}, 'y')
})

async function stepOf(model: Model) {
  const step = compileTrainingStep(model, {
    loss: 'loss',
    inputDims: { x: dims },
    optimizer: { kind: 'sgd', momentum: 0 },
    groups: [{ name: 'all', parameters: ['scale', 'shift', 'w'] }],
    outputs: ['y'],
  })
  const session = await openSession(writeModel(step.model))
  const state = Object.entries(step.initialState()).map(
    ([name, data]) => [name, { dtype: 'float32' as const, dims: [data.length], data }] as const,
  )
  const values = await session.run({
    x: { dtype: 'float32', dims: [...dims], data: x },
    rate: { dtype: 'float32', dims: [], data: Float32Array.of(0) },
    ...Object.fromEntries(state),
  })
  await session.dispose()
  return values
}

describe('a normalisation whose gradient passes through its batch', () => {
  it('gives the values, gradients and statistics of batch renormalisation', async () => {
    const [one, steps] = [await stepOf(inOne), await stepOf(inSteps)]
    for (const name of ['y', 'loss', 'next.all.momentum', 'next.statistics']) {
      const [values, expected] = [one[name]!.data as Float32Array, steps[name]!.data as Float32Array]
      expect(values).toHaveLength(expected.length)
      values.forEach((value, at) => {
        expect(Math.abs(value - expected[at]!), `${name} ${at}`).toBeLessThan(
          1e-4 * (1 + Math.abs(expected[at]!)),
        )
      })
    }
  })

  it('answers a row the same, whatever it comes with', async () => {
    const { y } = await stepOf(inOne)
    const convolved = (row: number, channel: number, place: number) =>
      [0, 1, 2].reduce(
        (sum, from) => sum + weights[3 * channel + from]! * x[(row * 3 + from) * 16 + place]!,
        0,
      )
    for (const [row, channel, place] of [
      [0, 0, 0],
      [5, 2, 15],
      [3, 1, 7],
    ] as const) {
      const white =
        (convolved(row, channel, place) - vectors.mean[channel]!) /
        Math.sqrt(vectors.variance[channel]! + epsilon)
      const expected = vectors.scale[channel]! * white + vectors.shift[channel]!
      expect((y!.data as Float32Array)[(row * 3 + channel) * 16 + place]).toBeCloseTo(expected, 4)
    }
  })
})
