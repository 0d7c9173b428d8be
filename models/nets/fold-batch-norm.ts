import {
  type ConstantTensor,
  float32Tensor,
  float32Values,
  floatAttribute,
  intAttribute,
  type Model,
  type Node,
} from '../onnx/index.ts'

/**
 * Works each batch normalisation that directly follows a convolution into that convolution's weights and bias: the
 * same function with fewer parameters and one operator less. Others, and those in training mode, stay.
 */
export function foldBatchNorm(model: Model): Model {
  const { graph } = model
  const uses = new Map<string, number>()
  for (const name of [
    ...graph.nodes.flatMap((node) => node.inputs),
    ...graph.outputs.map((output) => output.name),
  ]) {
    uses.set(name, (uses.get(name) ?? 0) + 1)
  }
  const producers = new Map(
    graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)),
  )
  const initializers = new Map(graph.initializers)
  const replaced = new Map<Node, Node | undefined>()
  for (const norm of graph.nodes) {
    if (norm.op !== 'BatchNormalization' || intAttribute(norm, 'training_mode', 0) === 1) continue
    const conv = producers.get(norm.inputs[0]!)
    const constants = norm.inputs.slice(1).map((name) => graph.initializers.get(name))
    if (conv?.op !== 'Conv' || uses.get(conv.outputs[0]!) !== 1 || constants.some((tensor) => !tensor))
      continue
    const kernel = graph.initializers.get(conv.inputs[1]!)
    const bias = conv.inputs[2] ? graph.initializers.get(conv.inputs[2]) : undefined
    if (!kernel || (conv.inputs[2] && !bias) || uses.get(conv.inputs[1]!) !== 1) continue
    const folded = fold(kernel, bias, constants as ConstantTensor[], floatAttribute(norm, 'epsilon', 1e-5))
    const biasName = conv.inputs[2] || `${conv.inputs[1]}.folded_bias`
    initializers.set(conv.inputs[1]!, folded.kernel)
    initializers.set(biasName, folded.bias)
    for (const name of norm.inputs.slice(1)) initializers.delete(name)
    replaced.set(conv, {
      ...conv,
      inputs: [conv.inputs[0]!, conv.inputs[1]!, biasName],
      outputs: norm.outputs.slice(0, 1),
    })
    replaced.set(norm, undefined)
  }
  const nodes = graph.nodes.flatMap((node) => (replaced.has(node) ? (replaced.get(node) ?? []) : node))
  return { ...model, graph: { ...graph, nodes, initializers } }
}

function fold(
  kernel: ConstantTensor,
  bias: ConstantTensor | undefined,
  norm: ConstantTensor[],
  epsilon: number,
) {
  const [scale, shift, mean, variance] = norm.map(float32Values) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ]
  const weights = float32Values(kernel).slice()
  const before = bias ? float32Values(bias) : new Float32Array(scale.length)
  const perOutput = weights.length / scale.length
  const newBias = new Float32Array(scale.length)
  for (let channel = 0; channel < scale.length; channel++) {
    const gain = scale[channel]! / Math.sqrt(variance[channel]! + epsilon)
    for (let at = channel * perOutput; at < (channel + 1) * perOutput; at++) weights[at]! *= gain
    newBias[channel] = (before[channel]! - mean[channel]!) * gain + shift[channel]!
  }
  return { kernel: float32Tensor(weights, kernel.dims), bias: float32Tensor(newBias) }
}
