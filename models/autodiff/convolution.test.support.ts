import { expect } from 'vitest'
import { seededRandom } from '../data/random.ts'
import {
  type AttributeValue,
  elementCount,
  float32Tensor,
  float32Values,
  GraphBuilder,
  inferShapes,
  type Model,
  writeModel,
} from '../onnx/index.ts'
import { openSession, type Tensor } from '../runtime/index.ts'
import { differentiate } from './differentiate.ts'
import { compileTrainingStep } from './training-step.ts'

/** One convolution and the images it works on. */
export interface Shape {
  readonly batch: number
  readonly channels: number
  readonly outputs: number
  readonly kernel: readonly number[]
  readonly size: readonly number[]
  readonly attributes: Readonly<Record<string, AttributeValue>>
  readonly bias: boolean
  /** Whether a trained value, `offset`, is added to the input: its gradient is the input's. */
  readonly offset?: boolean
}

const random = seededRandom(3)
const values = (dims: readonly number[]): Float32Array =>
  Float32Array.from({ length: elementCount(dims) }, () => random.normal())

/** loss = Σ (conv(x)·2 − 0.3)², so that the gradient that comes in differs from place to place. */
export function network(shape: Shape): Model {
  const { channels, outputs, kernel, batch, size, attributes, bias, offset } = shape
  const g = new GraphBuilder('conv')
  const image = [batch, channels, ...size]
  const input = g.input('x', 'float32', image)
  const x = offset ? g.op('Add', [input, g.constant(float32Tensor(values(image), image), 'offset')]) : input
  const dims = [outputs, channels, ...kernel]
  const inputs = [x, g.constant(float32Tensor(values(dims), dims), 'kernel')]
  if (bias) inputs.push(g.constant(float32Tensor(values([outputs]), [outputs]), 'bias'))
  const y = g.op('Sub', [g.op('Mul', [g.op('Conv', inputs, attributes), g.scalar(2)]), g.scalar(0.3)])
  g.output(g.op('ReduceSum', [g.op('Mul', [y, y])], { keepdims: 0 }, 'loss'), 'loss', 'float32', [])
  return g.build()
}

const tensor = (dims: readonly number[], data: Float32Array): Tensor => ({ dtype: 'float32', dims, data })

async function runOnce(model: Model, feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> {
  const session = await openSession(writeModel(model), { graphOptimization: 'extended' })
  try {
    return await session.run(feeds)
  } finally {
    await session.dispose()
  }
}

/** Loss and gradients with the convolution left as it is. */
async function byConvolution(model: Model, names: readonly string[], x: Tensor) {
  const { graph } = model
  const g = new GraphBuilder('plain', 17, 'g/')
  for (const { name, dims } of graph.inputs) g.input(name, 'float32', dims!)
  for (const [name, constant] of graph.initializers) g.constant(constant, name)
  for (const node of graph.nodes) g.node(node)
  const types = inferShapes(model, {})
  const constant = (value: string) => graph.initializers.get(value)
  const pass = { builder: g, nodes: graph.nodes, dims: (value: string) => types.get(value)?.dims, constant }
  for (const [name, gradient] of differentiate(pass, 'loss', names)) g.output(gradient, `by.${name}`)
  g.output('loss')
  return runOnce(g.build(), { x })
}

/** The same from one step of plain gradient descent at rate 1. */
async function byTrainingStep(model: Model, names: readonly string[], x: Tensor) {
  const step = compileTrainingStep(model, {
    loss: 'loss',
    inputDims: { x: x.dims },
    groups: [{ name: 'all', parameters: names }],
    optimizer: { kind: 'sgd', momentum: 0 },
  })
  const state = step.initialState()
  const feeds: Record<string, Tensor> = { x, rate: tensor([], Float32Array.of(1)) }
  for (const [name, vector] of Object.entries(state)) feeds[name] = tensor([vector.length], vector)
  const results = await runOnce(step.model, feeds)
  const next = step.parameters({
    ...state,
    'all.parameters': results['next.all.parameters']!.data as Float32Array,
  })
  const before = step.parameters(state)
  const gradients = names.map((name) => {
    const after = float32Values(next.get(name)!)
    return float32Values(before.get(name)!).map((value, at) => value - after[at]!)
  })
  return { loss: results.loss!.data[0] as number, gradients }
}

function expectClose(actual: Float32Array, expected: Float32Array): void {
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1)
  expected.forEach((value, at) => {
    expect(Math.abs(actual[at]! - value)).toBeLessThan(1e-4 * largest)
  })
}

/** Fails unless a training step gives the loss and the gradients that the operator Conv gives. */
export async function expectResultsOfConv(shape: Shape, names: readonly string[]): Promise<void> {
  const model = network(shape)
  const dims = [shape.batch, shape.channels, ...shape.size]
  const x = tensor(dims, values(dims))
  const plain = await byConvolution(model, names, x)
  const step = await byTrainingStep(model, names, x)
  const loss = plain.loss!.data[0] as number
  expect(Math.abs(step.loss - loss)).toBeLessThan(1e-4 * Math.max(1, Math.abs(loss)))
  names.forEach((name, at) => {
    expectClose(step.gradients[at]!, plain[`by.${name}`]!.data as Float32Array)
  })
}
