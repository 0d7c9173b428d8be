import { dequantize } from '../codec/index.ts'
import {
  type ConstantTensor,
  elementCount,
  float32Tensor,
  float32Values,
  intAttribute,
  type Model,
  type Node,
} from '../onnx/index.ts'

const FLOAT32 = 1

/**
 * The same network with float32 constants where it computes them from constants stored smaller: halves behind a Cast, bytes
 * behind a Cast and a Mul. Sessions do that when they load; graphs that are rewritten want the weights themselves.
 */
export function plainWeights(model: Model): Model {
  const constants = new Map(model.graph.initializers)
  const nodes: Node[] = []
  for (const node of model.graph.nodes) {
    const value = computed(node, constants)
    if (value === undefined) nodes.push(node)
    else constants.set(node.outputs[0]!, value)
  }
  const used = new Set([
    ...nodes.flatMap((node) => node.inputs),
    ...model.graph.outputs.map((output) => output.name),
  ])
  const initializers = new Map([...constants].filter(([name]) => used.has(name)))
  return { ...model, graph: { ...model.graph, nodes, initializers } }
}

function computed(node: Node, constants: ReadonlyMap<string, ConstantTensor>): ConstantTensor | undefined {
  const [first, second] = node.inputs.map((name) => constants.get(name))
  if (node.op === 'Cast' && first && intAttribute(node, 'to', 0) === FLOAT32) return toFloat(first)
  if (node.op === 'Mul' && first?.dtype === 'float32' && second?.dtype === 'float32')
    return scaled(first, second)
  return undefined
}

function toFloat(tensor: ConstantTensor): ConstantTensor | undefined {
  const { dtype, dims, bytes } = tensor
  if (dtype === 'float16')
    return float32Tensor(dequantize(bytes, elementCount(dims), { kind: 'affine-dynamic', bits: 16 }), dims)
  if (dtype === 'int8')
    return float32Tensor(
      Float32Array.from(new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)),
      dims,
    )
  return undefined
}

/** Kernels times one factor for each output, as `storeByteWeights` writes them; undefined for other shapes. */
function scaled(kernels: ConstantTensor, factors: ConstantTensor): ConstantTensor | undefined {
  const [outputs, ...rest] = factors.dims
  const isPerOutput =
    outputs === kernels.dims[0] && rest.length === kernels.dims.length - 1 && rest.every((dim) => dim === 1)
  if (!isPerOutput) return undefined
  const values = float32Values(kernels).slice()
  const steps = float32Values(factors)
  const perOutput = values.length / outputs!
  for (let at = 0; at < values.length; at++) values[at]! *= steps[Math.floor(at / perOutput)]!
  return float32Tensor(values, kernels.dims)
}
