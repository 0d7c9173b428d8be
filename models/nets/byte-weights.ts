import { modelError } from '../errors.ts'
import { type ConstantTensor, float32Tensor, float32Values, type Model, type Node } from '../onnx/index.ts'

/** Tensors below this many elements are not worth a scale of their own. */
const WORTH_ELEMENTS = 256

/** Rounded to 8 bits, the largest weight of each output at ±127: x ≈ q · scale, one scale for each output. */
function rounded(tensor: ConstantTensor): { codes: ConstantTensor; scales: ConstantTensor } {
  const values = float32Values(tensor)
  const outputs = tensor.dims[0]!
  const perOutput = values.length / outputs
  const codes = new Int8Array(values.length)
  const scales = new Float32Array(outputs)
  for (let output = 0; output < outputs; output++) {
    const [begin, end] = [output * perOutput, (output + 1) * perOutput]
    let largest = 0
    for (let at = begin; at < end; at++) largest = Math.max(largest, Math.abs(values[at]!))
    if (!Number.isFinite(largest))
      throw modelError('NOT_FINITE', `Output ${output} of a kernel has a weight that is no number.`)
    scales[output] = largest > 0 ? largest / 127 : 1
    for (let at = begin; at < end; at++) codes[at] = Math.round(values[at]! / scales[output]!)
  }
  return {
    codes: { dtype: 'int8', dims: tensor.dims, bytes: new Uint8Array(codes.buffer) },
    scales: float32Tensor(scales, [outputs, ...tensor.dims.slice(1).map(() => 1)]),
  }
}

/**
 * Stores the kernels of convolutions as 8-bit integers, with a scale for each output, behind a cast and a product: a
 * quarter of the file. Runtimes fold both when they load the model and compute in float32. Rounds the weights: measure
 * what comes out of this function, not what goes in. Throws NOT_FINITE.
 */
export function storeByteWeights(model: Model): Model {
  const kernels = new Set(model.graph.nodes.flatMap(({ op, inputs }) => (op === 'Conv' ? [inputs[1]!] : [])))
  const initializers = new Map<string, ConstantTensor>()
  const unpacking: Node[] = []
  const node = (op: string, inputs: string[], output: string, attributes: Node['attributes'] = {}) =>
    unpacking.push({ name: output, op, domain: '', inputs, outputs: [output], attributes })
  for (const [name, tensor] of model.graph.initializers) {
    const isWorth = tensor.dtype === 'float32' && tensor.bytes.byteLength >= 4 * WORTH_ELEMENTS
    if (!kernels.has(name) || !isWorth) {
      initializers.set(name, tensor)
      continue
    }
    const { codes, scales } = rounded(tensor)
    initializers.set(`${name}.byte`, codes)
    initializers.set(`${name}.step`, scales)
    node('Cast', [`${name}.byte`], `${name}.cast`, { to: { type: 'int', value: 1 } })
    node('Mul', [`${name}.cast`, `${name}.step`], name)
  }
  return { ...model, graph: { ...model.graph, initializers, nodes: [...unpacking, ...model.graph.nodes] } }
}
