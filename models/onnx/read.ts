import { onnx } from '#onnx-schema'
import { dtypeOf, isDtypeNumber } from './dtype.ts'
import { graphError } from './errors.ts'
import type { Attribute, Dimension, Graph, Model, Node, ValueInfo } from './graph.ts'
import { sortNodes } from './order.ts'
import { readTensor, toNumber, unreadable } from './read-tensor.ts'
import type { ConstantTensor } from './tensor.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Nothing for bytes that are no text: operators of other domains keep all kinds of things in strings. */
function text(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

/**
 * Reads an ONNX model. Weights stay views into `bytes`, which must not change afterwards.
 * Initialisers that old exporters list among the inputs are taken out of the inputs; nodes are put in an order
 * in which they can run.
 * Throws MODEL_UNREADABLE, UNSUPPORTED_DTYPE or UNSUPPORTED_MODEL, naming what is at fault.
 */
export function readModel(bytes: Uint8Array): Model {
  let proto: onnx.ModelProto
  try {
    // A plain view: what is read from a Buffer would be Buffers, whose `slice` does not copy.
    proto = onnx.ModelProto.decode(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  } catch (cause) {
    throw unreadable('the file is not a complete ONNX model', cause)
  }
  if (!proto.graph || proto.opsetImport.length === 0) throw unreadable('it holds no graph or no operator set')
  return {
    irVersion: toNumber(proto.irVersion),
    opsets: record(proto.opsetImport, (entry) => [domainOf(entry.domain), toNumber(entry.version)]),
    producer: proto.producerName,
    graph: readGraph(proto.graph),
    metadata: record(proto.metadataProps, (entry) => [entry.key ?? '', entry.value ?? '']),
    functions: proto.functions,
  }
}

const domainOf = (domain: string | null | undefined): string => (domain === 'ai.onnx' ? '' : (domain ?? ''))

/** A record whose keys come from the file: also a key like __proto__ is only a key. */
const record = <Entry, Value>(
  list: readonly Entry[],
  entryOf: (entry: Entry) => readonly [string, Value],
): Record<string, Value> => Object.fromEntries(list.map(entryOf))

function readGraph(proto: onnx.IGraphProto, inner = false): Graph {
  const name = proto.name ?? ''
  if ((proto.sparseInitializer?.length ?? 0) > 0) {
    throw graphError(
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
    const info = isKnown(value) && readValueInfo(value)
    if (info) values.set(info.name, info)
  }
  const signature = (list: onnx.IValueInfoProto[] | null | undefined): ValueInfo[] =>
    (list ?? []).map((value) => {
      const info = inner && !isKnown(value) ? readOtherType(value) : readValueInfo(value)
      if (!info) {
        throw graphError(
          'UNSUPPORTED_MODEL',
          `"${value.name}" is not a tensor. Isthmus runs models whose inputs and outputs are tensors.`,
        )
      }
      return info
    })
  return {
    name,
    nodes: sortNodes((proto.node ?? []).map(readNode)),
    inputs: signature((proto.input ?? []).filter((value) => !initializers.has(value.name ?? ''))),
    outputs: signature(proto.output),
    initializers,
    values,
  }
}

function readNode(proto: onnx.INodeProto): Node {
  const where = `${proto.opType} "${proto.name}"`
  return {
    name: proto.name ?? '',
    op: proto.opType ?? '',
    domain: domainOf(proto.domain),
    ...(proto.overload ? { overload: proto.overload } : {}),
    inputs: proto.input ?? [],
    outputs: proto.output ?? [],
    attributes: record(proto.attribute ?? [], (entry) => [entry.name ?? '', readAttribute(entry, where)]),
  }
}

function readAttribute(proto: onnx.IAttributeProto, where: string): Attribute {
  switch (proto.type) {
    case 1:
      return { type: 'float', value: proto.f ?? 0 }
    case 2:
      return { type: 'int', value: toNumber(proto.i) }
    case 3:
      return stringAttribute(proto.s ?? new Uint8Array(0))
    case 4:
      return { type: 'tensor', value: readTensor(proto.t ?? {}, `${where}, attribute ${proto.name}`) }
    case 5:
      return { type: 'graph', value: readGraph(proto.g ?? {}, true) }
    case 6:
      return { type: 'floats', value: proto.floats ?? [] }
    case 7:
      return { type: 'ints', value: (proto.ints ?? []).map(toNumber) }
    case 8:
      return { type: 'strings', value: (proto.strings ?? []).map((bytes) => listedText(bytes, proto, where)) }
    default:
      throw graphError(
        'UNSUPPORTED_MODEL',
        `${where} has attribute "${proto.name}" of kind ${proto.type}, which Isthmus does not read.`,
      )
  }
}

function stringAttribute(bytes: Uint8Array): Attribute {
  const value = text(bytes)
  return value === undefined ? { type: 'string', value: '', bytes } : { type: 'string', value }
}

function listedText(bytes: Uint8Array, { name }: onnx.IAttributeProto, where: string): string {
  const value = text(bytes)
  if (value !== undefined) return value
  throw graphError(
    'UNSUPPORTED_MODEL',
    `${where} has attribute "${name}" with strings that are no UTF-8 text.`,
  )
}

/** Whether a value is said to be a tensor of a type that Isthmus reads. */
const isKnown = (proto: onnx.IValueInfoProto): boolean => isDtypeNumber(proto.type?.tensorType?.elemType ?? 0)

const readOtherType = (proto: onnx.IValueInfoProto): ValueInfo => ({
  name: proto.name ?? '',
  dtype: 'float32',
  otherType: onnx.TypeProto.encode(proto.type ?? {}).finish(),
})

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
