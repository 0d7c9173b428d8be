import { dequantize, quantize } from '../codec/index.ts'
import {
  type ConstantTensor,
  elementCount,
  float32Tensor,
  float32Values,
  type Model,
  type Node,
} from '../onnx/index.ts'

const SUFFIX = '.half'

/** Sixteen bits are the IEEE half; scale and zero point play no part. */
const half = { kind: 'affine-dynamic', bits: 16 } as const

/** Tensors below this many elements are not worth a cast. */
const WORTH_ELEMENTS = 256

/**
 * Stores the weights as 16-bit floats with a cast behind each: half the file, the same graph. Runtimes fold the
 * casts when they load the model.
 */
export function storeHalfWeights(model: Model): Model {
  const initializers = new Map<string, ConstantTensor>()
  const casts: Node[] = []
  for (const [name, tensor] of model.graph.initializers) {
    if (tensor.dtype !== 'float32' || tensor.bytes.byteLength < 4 * WORTH_ELEMENTS) {
      initializers.set(name, tensor)
      continue
    }
    const bytes = quantize(float32Values(tensor), half).packed
    initializers.set(`${name}${SUFFIX}`, { dtype: 'float16', dims: tensor.dims, bytes })
    casts.push({
      name: `${name}.cast`,
      op: 'Cast',
      domain: '',
      inputs: [`${name}${SUFFIX}`],
      outputs: [name],
      attributes: { to: { type: 'int', value: 1 } },
    })
  }
  return { ...model, graph: { ...model.graph, initializers, nodes: [...casts, ...model.graph.nodes] } }
}

/** The float32 weights of a model by name, those stored by `storeHalfWeights` included. */
export function weightsOf(model: Model): Map<string, ConstantTensor> {
  const weights = new Map<string, ConstantTensor>()
  for (const [name, tensor] of model.graph.initializers) {
    if (tensor.dtype === 'float32') weights.set(name, tensor)
    else if (tensor.dtype === 'float16' && name.endsWith(SUFFIX)) {
      const values = dequantize(tensor.bytes, elementCount(tensor.dims), half)
      weights.set(name.slice(0, -SUFFIX.length), float32Tensor(values, tensor.dims))
    }
  }
  return weights
}
