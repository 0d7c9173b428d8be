import { IsthmusError } from '@isthmus/proto'
import { onnx } from '#onnx-schema'
import { type DType, dtypeOf } from './dtype.ts'
import type { Attribute, Dimension, Graph, Model, Node, ValueInfo } from './graph.ts'
import {
  byteLength,
  type ConstantTensor,
  type ExternalLocation,
  float32Tensor,
  int64Tensor,
} from './tensor.ts'

type Integer = number | { toNumber(): number }

/** ONNX writes 2^63-1 for "to the end"; clamped to what a number holds exactly, it still means that. */
const toNumber = (value: Integer | null | undefined): number => {
  const number = typeof value === 'object' && value !== null ? value.toNumber() : (value ?? 0)
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, number))
}

const utf8 = new TextDecoder('utf-8')
const text = (bytes: Uint8Array | null | undefined): string => (bytes ? utf8.decode(bytes) : '')

/**
 * Reads an ONNX model. Weights stay views into `bytes`, which must not change afterwards.
 * Initialisers that old exporters list among the inputs are taken out of the inputs.
 * Throws MODEL_UNREADABLE, UNSUPPORTED_DTYPE or UNSUPPORTED_MODEL, naming what is at fault.
 */
export function readModel(bytes: Uint8Array): Model {
  let proto: onnx.ModelProto
  try {
    proto = onnx.ModelProto.decode(bytes)
  } catch (cause) {
    throw unreadable('the file is not a complete ONNX model', cause)
  }
  if (!proto.graph || proto.opsetImport.length === 0) throw unreadable('it holds no graph or no operator set')
  const opsets: Record<string, number> = {}
  for (const entry of proto.opsetImport) {
    const domain = entry.domain === 'ai.onnx' ? '' : (entry.domain ?? '')
    opsets[domain] = toNumber(entry.version)
  }
  const metadata: Record<string, string> = {}
  for (const entry of proto.metadataProps) metadata[entry.key ?? ''] = entry.value ?? ''
  return {
    irVersion: toNumber(proto.irVersion),
    opsets,
    producer: proto.producerName,
    graph: readGraph(proto.graph),
    metadata,
    functions: proto.functions,
  }
}

const unreadable = (why: string, cause?: unknown): IsthmusError =>
  new IsthmusError(
    'MODEL_UNREADABLE',
    `Not an ONNX model: ${why}. Check the path, or export the model again.`,
    {
      cause,
    },
  )

function readGraph(proto: onnx.IGraphProto): Graph {
  const name = proto.name ?? ''
  if ((proto.sparseInitializer?.length ?? 0) > 0) {
    throw new IsthmusError(
      'UNSUPPORTED_MODEL',
      `Graph "${name}" has sparse initialisers. Export the model with dense weights.`,
    )
  }
  const initializers = new Map<string, ConstantTensor>()
  for (const tensor of proto.initializer ?? []) {
    initializers.set(tensor.name ?? '', readTensor(tensor, `initialiser "${tensor.name}"`))
  }
  const values = new Map<string, ValueInfo>()
  for (const value of proto.valueInfo ?? []) {
    const info = readValueInfo(value)
    if (info) values.set(info.name, info)
  }
  const signature = (list: onnx.IValueInfoProto[] | null | undefined): ValueInfo[] =>
    (list ?? []).map((value) => {
      const info = readValueInfo(value)
      if (!info) {
        throw new IsthmusError(
          'UNSUPPORTED_MODEL',
          `"${value.name}" is not a tensor. Isthmus runs models whose inputs and outputs are tensors.`,
        )
      }
      return info
    })
  return {
    name,
    nodes: (proto.node ?? []).map(readNode),
    inputs: signature((proto.input ?? []).filter((value) => !initializers.has(value.name ?? ''))),
    outputs: signature(proto.output),
    initializers,
    values,
  }
}

function readNode(proto: onnx.INodeProto): Node {
  const attributes: Record<string, Attribute> = {}
  const node = {
    name: proto.name ?? '',
    op: proto.opType ?? '',
    domain: proto.domain === 'ai.onnx' ? '' : (proto.domain ?? ''),
    inputs: proto.input ?? [],
    outputs: proto.output ?? [],
    attributes,
  }
  for (const attribute of proto.attribute ?? []) {
    attributes[attribute.name ?? ''] = readAttribute(attribute, `${node.op} "${node.name}"`)
  }
  return node
}

function readAttribute(proto: onnx.IAttributeProto, where: string): Attribute {
  switch (proto.type) {
    case 1:
      return { type: 'float', value: proto.f ?? 0 }
    case 2:
      return { type: 'int', value: toNumber(proto.i) }
    case 3:
      return { type: 'string', value: text(proto.s) }
    case 4:
      return { type: 'tensor', value: readTensor(proto.t ?? {}, `${where}, attribute ${proto.name}`) }
    case 5:
      return { type: 'graph', value: readGraph(proto.g ?? {}) }
    case 6:
      return { type: 'floats', value: proto.floats ?? [] }
    case 7:
      return { type: 'ints', value: (proto.ints ?? []).map(toNumber) }
    case 8:
      return { type: 'strings', value: (proto.strings ?? []).map(text) }
    default:
      throw new IsthmusError(
        'UNSUPPORTED_MODEL',
        `${where} has attribute "${proto.name}" of kind ${proto.type}, which Isthmus does not read.`,
      )
  }
}

function readValueInfo(proto: onnx.IValueInfoProto): ValueInfo | undefined {
  const type = proto.type?.tensorType
  const name = proto.name ?? ''
  if (!type) return undefined
  const dtype = dtypeOf(type.elemType ?? 0, `value "${name}"`)
  if (!type.shape) return { name, dtype }
  const dims = (type.shape.dim ?? []).map((dim): Dimension => {
    if (dim.dimParam) return dim.dimParam
    const size = toNumber(dim.dimValue)
    return size > 0 ? size : null
  })
  return { name, dtype, dims }
}

function readTensor(proto: onnx.ITensorProto, where: string): ConstantTensor {
  const dtype = dtypeOf(proto.dataType ?? 0, where)
  const dims = (proto.dims ?? []).map(toNumber)
  const expected = byteLength(dtype, dims)
  if (dims.some((dim) => dim < 0) || !Number.isSafeInteger(expected)) {
    throw unreadable(`${where} has an impossible shape [${dims}]`)
  }
  if (dtype === 'string') return { dtype, dims, bytes: new Uint8Array(0), strings: proto.stringData ?? [] }
  if (proto.dataLocation === 1) {
    return { dtype, dims, bytes: new Uint8Array(0), external: readExternal(proto, where) }
  }
  const bytes = proto.rawData?.length ? proto.rawData : typedData(proto, dtype)
  if (bytes.byteLength !== expected) {
    throw unreadable(`${where} has ${bytes.byteLength} bytes where its shape [${dims}] needs ${expected}`)
  }
  return { dtype, dims, bytes }
}

function readExternal(proto: onnx.ITensorProto, where: string): ExternalLocation {
  const entries = new Map((proto.externalData ?? []).map((entry) => [entry.key, entry.value ?? '']))
  const location = entries.get('location')
  if (!location) throw unreadable(`${where} lies in another file, which is not named`)
  return { location, offset: Number(entries.get('offset') ?? 0), length: Number(entries.get('length') ?? -1) }
}

/** Small tensors may be stored as lists of numbers; they become little-endian bytes like all others. */
function typedData(proto: onnx.ITensorProto, dtype: DType): Uint8Array {
  const bytesOf = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
  switch (dtype) {
    case 'float32':
      return float32Tensor(proto.floatData ?? []).bytes
    case 'float64':
      return bytesOf(Float64Array.from(proto.doubleData ?? []))
    case 'int64':
      return int64Tensor((proto.int64Data ?? []).map(toNumber)).bytes
    case 'uint64':
      return bytesOf(BigUint64Array.from(proto.uint64Data ?? [], (value) => BigInt(toNumber(value))))
    case 'uint32':
      return bytesOf(Uint32Array.from(proto.uint64Data ?? [], toNumber))
    case 'int32':
      return bytesOf(Int32Array.from(proto.int32Data ?? []))
    case 'int16':
    case 'uint16':
    case 'float16':
    case 'bfloat16':
      return bytesOf(Uint16Array.from(proto.int32Data ?? []))
    default:
      return Uint8Array.from(proto.int32Data ?? [])
  }
}
