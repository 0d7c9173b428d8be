import { onnx } from '#onnx-schema'
import { type DType, dtypeNumbers } from './dtype.ts'
import { graphError } from './errors.ts'
import type { Attribute, Dimension, Graph, Model, Node, ValueInfo } from './graph.ts'
import { byteLength, type ConstantTensor } from './tensor.ts'

const encoder = new TextEncoder()

/**
 * The bytes of an ONNX file. Weights are copied once, into the result.
 * Throws MODEL_TOO_LARGE beyond 2 GB (`writeModelFile` puts weights beside the model then).
 */
export function writeModel(model: Model): Uint8Array {
  const weightBytes = Array.from(model.graph.initializers.values(), ({ external, dtype, dims }) =>
    external ? 0 : byteLength(dtype, dims),
  ).reduce((sum, bytes) => sum + bytes, 0)
  if (weightBytes > 2 ** 31 - 2 ** 20) {
    throw graphError('MODEL_TOO_LARGE', 'The weights exceed 2 GB. Write the model with writeModelFile.')
  }
  const bytes = onnx.ModelProto.encode({
    irVersion: model.irVersion,
    producerName: model.producer,
    opsetImport: Object.entries(model.opsets).map(([domain, version]) => ({ domain, version })),
    graph: graphProto(model.graph),
    metadataProps: Object.entries(model.metadata).map(([key, value]) => ({ key, value })),
    functions: [...model.functions],
  }).finish()
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function graphProto(graph: Graph): onnx.IGraphProto {
  return {
    name: graph.name || 'graph',
    node: graph.nodes.map(nodeProto),
    input: graph.inputs.map(valueProto),
    output: graph.outputs.map(valueProto),
    initializer: Array.from(graph.initializers, ([name, tensor]) => tensorProto(name, tensor)),
    valueInfo: Array.from(graph.values.values(), valueProto),
  }
}

function nodeProto(node: Node): onnx.INodeProto {
  return {
    name: node.name,
    opType: node.op,
    domain: node.domain,
    ...(node.overload ? { overload: node.overload } : {}),
    input: [...node.inputs],
    output: [...node.outputs],
    attribute: Object.entries(node.attributes).map(([name, attribute]) => attributeProto(name, attribute)),
  }
}

function attributeProto(name: string, attribute: Attribute): onnx.IAttributeProto {
  switch (attribute.type) {
    case 'float':
      return { name, type: 1, f: attribute.value }
    case 'int':
      return { name, type: 2, i: attribute.value }
    case 'string':
      return { name, type: 3, s: attribute.bytes ?? encoder.encode(attribute.value) }
    case 'tensor':
      return { name, type: 4, t: tensorProto('', attribute.value) }
    case 'graph':
      return { name, type: 5, g: graphProto(attribute.value) }
    case 'floats':
      return { name, type: 6, floats: [...attribute.value] }
    case 'ints':
      return { name, type: 7, ints: [...attribute.value] }
    case 'strings':
      return { name, type: 8, strings: attribute.value.map((value) => encoder.encode(value)) }
  }
}

function tensorProto(name: string, tensor: ConstantTensor): onnx.ITensorProto {
  const proto: onnx.ITensorProto = {
    name,
    dims: [...tensor.dims],
    dataType: dtypeNumbers[tensor.dtype as DType],
  }
  if (tensor.strings) return { ...proto, stringData: [...tensor.strings] }
  if (!tensor.external) return { ...proto, rawData: tensor.bytes }
  const { location, offset, length } = tensor.external
  const externalData = [
    { key: 'location', value: location },
    { key: 'offset', value: String(offset) },
  ]
  if (length >= 0) externalData.push({ key: 'length', value: String(length) })
  return { ...proto, dataLocation: 1, externalData }
}

function valueProto(value: ValueInfo): onnx.IValueInfoProto {
  if (value.otherType) return { name: value.name, type: onnx.TypeProto.decode(value.otherType) }
  const tensorType: onnx.ITensorTypeProto = { elemType: dtypeNumbers[value.dtype] }
  if (value.dims) tensorType.shape = { dim: value.dims.map(dimensionProto) }
  return { name: value.name, type: { tensorType } }
}

function dimensionProto(dim: Dimension): onnx.IDimensionProto {
  if (dim === null) return {}
  return typeof dim === 'number' ? { dimValue: dim } : { dimParam: dim }
}
