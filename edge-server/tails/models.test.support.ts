import { float32Tensor, GraphBuilder, writeModel } from '@isthmus/models/onnx'
import { manifest } from '../dispatch/bundle.test.support.ts'
import type { WorkerBundle } from './messages.ts'

const product = (dims: readonly number[]): number => dims.reduce((count, dim) => count * dim, 1)

/** logits[k] = (k + 1) · sum of the inputs, for two classes. With a name for `batch`, of as many frames as there are. */
export function summingModel(input: string, dims: readonly number[], batch: number | string = 1): Uint8Array {
  const graph = new GraphBuilder('summing')
  const x = graph.input(input, 'float32', [batch, ...dims])
  const count = product(dims)
  const weights = Array.from({ length: 2 * count }, (_, index) => (index % 2) + 1)
  const flat = graph.op('Flatten', [x])
  graph.output(
    graph.op('MatMul', [flat, graph.constant(float32Tensor(weights, [count, 2]))]),
    'logits',
    'float32',
    [batch, 2],
  )
  return writeModel(graph.build())
}

/** logits[k] = ln of the sum of the inputs' squares. */
export function logModel(input: string, dims: readonly number[], batch: number | string): Uint8Array {
  const graph = new GraphBuilder('log')
  const flat = graph.op('Flatten', [graph.input(input, 'float32', [batch, ...dims])])
  const ones = graph.constant(float32Tensor(new Float32Array(2 * product(dims)).fill(1), [product(dims), 2]))
  const squares = graph.op('Mul', [flat, flat])
  graph.output(graph.op('Log', [graph.op('MatMul', [squares, ones])]), 'logits', 'float32', [batch, 2])
  return writeModel(graph.build())
}

/** As {@link summingModel}, but after `rounds` products of 384×384 matrices: a few milliseconds each. */
export function slowModel(input: string, dims: readonly number[], rounds: number): Uint8Array {
  const graph = new GraphBuilder('slow')
  const x = graph.input(input, 'float32', [1, ...dims])
  const size = 384
  const count = product(dims)
  const flat = graph.op('Flatten', [x])
  const weights = Array.from({ length: 2 * count }, (_, index) => (index % 2) + 1)
  const logits = graph.op('MatMul', [flat, graph.constant(float32Tensor(weights, [count, 2]))])
  // The products depend on the input, so that nothing can be computed beforehand, and come to nothing.
  const constant = graph.constant(float32Tensor(new Float32Array(size * size).fill(1e-3), [size, size]))
  const scale = graph.op('ReduceMean', [flat], { keepdims: 0 })
  let matrix = graph.op('Mul', [constant, scale])
  for (let round = 0; round < rounds; round++) matrix = graph.op('MatMul', [constant, matrix])
  const nothing = graph.op('Mul', [graph.op('ReduceMean', [matrix], { keepdims: 0 }), graph.scalar(0)])
  graph.output(graph.op('Add', [logits, nothing]), 'logits', 'float32', [1, 2])
  return writeModel(graph.build())
}

/** The manifest's latent and input, as the models above take them. */
export const latentDims: readonly number[] = manifest.latent!.dims
export const inputDims: readonly number[] = manifest.input.dims

/** What a worker gets of the bundle of `bundle.test.support.ts`. */
export const workerBundle = (changes: Partial<WorkerBundle> = {}): WorkerBundle => ({
  key: 77,
  id: 'tiny@1.0.0',
  manifest,
  tail: summingModel('latent', latentDims),
  full: summingModel('image', inputDims),
  ...changes,
})
