import { type Graph, intAttribute, type Node } from './graph.ts'
import type { TensorType } from './shapes.ts'
import { elementCount } from './tensor.ts'

const product = (dims: readonly number[]): number => elementCount(dims)

type Types = ReadonlyMap<string, TensorType>

const dimsOf = (types: Types, name: string | undefined): readonly number[] | undefined =>
  types.get(name ?? '')?.dims

/** Each element of the result is a sum over the kernel and the channels of its group. */
const convolution =
  (weight: number) =>
  (node: Node, types: Types): number | undefined => {
    const w = dimsOf(types, node.inputs[weight])
    const y = dimsOf(types, node.outputs[0])
    return w && y && product(y) * product(w.slice(1))
  }

/** Each element of the input is spread over the kernel and the channels of its group. */
function convTranspose(node: Node, types: Types): number | undefined {
  const w = dimsOf(types, node.inputs[1])
  const x = dimsOf(types, node.inputs[0])
  return w && x && product(x) * product(w.slice(1))
}

const matMul = (node: Node, types: Types): number | undefined => {
  const a = dimsOf(types, node.inputs[0])
  const y = dimsOf(types, node.outputs[0])
  return a && y && product(y) * (a.at(-1) ?? 1)
}

function gemm(node: Node, types: Types): number | undefined {
  const a = dimsOf(types, node.inputs[0])
  const y = dimsOf(types, node.outputs[0])
  return a && y && product(y) * a[intAttribute(node, 'transA', 0) ? 0 : 1]!
}

/** Per step, sequence and direction one product with the input weights and one with the recurrent ones. */
function recurrent(node: Node, types: Types): number | undefined {
  const x = dimsOf(types, node.inputs[0])
  const w = dimsOf(types, node.inputs[1])
  const r = dimsOf(types, node.inputs[2])
  return x && w && r && x[0]! * x[1]! * (product(w) + product(r))
}

const counters: ReadonlyMap<string, (node: Node, types: Types) => number | undefined> = new Map([
  ['Conv', convolution(1)],
  ['ConvInteger', convolution(1)],
  ['QLinearConv', convolution(3)],
  ['ConvTranspose', convTranspose],
  ['MatMul', matMul],
  ['MatMulInteger', matMul],
  ['QLinearMatMul', matMul],
  ['Gemm', gemm],
  ['LSTM', recurrent],
  ['GRU', recurrent],
  ['RNN', recurrent],
])

/**
 * Multiply-adds of one node: those of convolutions, matrix products and recurrent layers, without their bias.
 * All else (normalisation, activations, pooling, element-wise work) counts as 0, as is usual in the field.
 * Undefined when the shapes that it needs are not known.
 */
export function multiplyAdds(node: Node, types: Types): number | undefined {
  const count = node.domain === '' ? counters.get(node.op) : undefined
  return count ? count(node, types) : 0
}

const weightTypes = new Set(['float32', 'float16', 'bfloat16', 'float64', 'int8', 'uint8'])

/**
 * Numbers stored as weights: the elements of all initialisers and Constant nodes of a floating or 8-bit type with
 * more than one element. Running statistics of normalisation are among them; shapes, axes and scalars are not.
 */
export function parameterCount(graph: Graph): number {
  let count = 0
  const add = (dtype: string, dims: readonly number[]) => {
    if (weightTypes.has(dtype) && product(dims) > 1) count += product(dims)
  }
  for (const { dtype, dims } of graph.initializers.values()) add(dtype, dims)
  for (const node of graph.nodes) {
    for (const attribute of Object.values(node.attributes)) {
      if (attribute.type === 'tensor' && node.op === 'Constant')
        add(attribute.value.dtype, attribute.value.dims)
      if (attribute.type === 'graph') count += parameterCount(attribute.value)
    }
  }
  return count
}
