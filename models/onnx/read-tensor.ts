import type { onnx } from '#onnx-schema'
import { bytesPerElement, type DType, dtypeOf } from './dtype.ts'
import { graphError } from './errors.ts'
import { byteLength, type ConstantTensor, type ExternalLocation } from './tensor.ts'

/** A 64-bit integer as protobufjs gives it: a number, or two halves. */
export type Integer = number | { readonly low: number; readonly high: number; toNumber(): number }

/** ONNX writes 2^63-1 for "to the end"; clamped to what a number holds exactly, it still means that. */
export const toNumber = (value: Integer | null | undefined): number => {
  const number = typeof value === 'object' && value !== null ? value.toNumber() : (value ?? 0)
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, number))
}

const toBigInt = (value: Integer): bigint =>
  typeof value === 'object' ? (BigInt(value.high) << 32n) | BigInt(value.low >>> 0) : BigInt(value)

export const unreadable = (why: string, cause?: unknown) =>
  graphError(
    'MODEL_UNREADABLE',
    `Not an ONNX model: ${why}. Check the path, or export the model again.`,
    cause,
  )

/** A constant of the model; its bytes stay a view into the file where the file stores them as bytes. */
export function readTensor(proto: onnx.ITensorProto, where: string): ConstantTensor {
  const dtype = dtypeOf(proto.dataType ?? 0, where)
  const dims = (proto.dims ?? []).map(toNumber)
  const expected = byteLength(dtype, dims)
  if (dims.some((dim) => dim < 0) || !Number.isSafeInteger(expected)) {
    throw unreadable(`${where} has an impossible shape [${dims}]`)
  }
  if (dtype === 'string') return readStrings(proto, dims, where)
  if (proto.dataLocation === 1) {
    return { dtype, dims, bytes: new Uint8Array(0), external: readExternal(proto, expected, where) }
  }
  const bytes = proto.rawData?.length ? proto.rawData : typedData(proto, dtype)
  if (bytes.byteLength !== expected) {
    throw unreadable(`${where} has ${bytes.byteLength} bytes where its shape [${dims}] needs ${expected}`)
  }
  return { dtype, dims, bytes }
}

function readStrings(proto: onnx.ITensorProto, dims: readonly number[], where: string): ConstantTensor {
  const strings = proto.stringData ?? []
  const expected = dims.reduce((count, dim) => count * dim, 1)
  if (strings.length !== expected) {
    throw unreadable(`${where} has ${strings.length} strings where its shape [${dims}] needs ${expected}`)
  }
  return { dtype: 'string', dims, bytes: new Uint8Array(0), strings }
}

function readExternal(proto: onnx.ITensorProto, expected: number, where: string): ExternalLocation {
  const entries = new Map((proto.externalData ?? []).map((entry) => [entry.key, entry.value ?? '']))
  const location = entries.get('location')
  if (!location) throw unreadable(`${where} lies in another file, which is not named`)
  const offset = Number(entries.get('offset') ?? 0)
  const length = Number(entries.get('length') ?? -1)
  if (!Number.isSafeInteger(offset) || offset < 0 || !Number.isSafeInteger(length)) {
    throw unreadable(`${where} lies at an impossible place of "${location}"`)
  }
  if (length >= 0 && length !== expected) {
    throw unreadable(`${where} has ${length} bytes in "${location}" where its shape needs ${expected}`)
  }
  return { location, offset, length }
}

const bytesOf = (array: ArrayBufferView): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength)

/** Small tensors may be stored as lists of numbers; they become little-endian bytes like all others. */
function typedData(proto: onnx.ITensorProto, dtype: DType): Uint8Array {
  switch (dtype) {
    case 'float32':
      return bytesOf(Float32Array.from(proto.floatData ?? []))
    case 'float64':
      return bytesOf(Float64Array.from(proto.doubleData ?? []))
    case 'int64':
      return bytesOf(BigInt64Array.from(proto.int64Data ?? [], toBigInt))
    case 'uint64':
      return bytesOf(BigUint64Array.from(proto.uint64Data ?? [], toBigInt))
    case 'uint32':
      return bytesOf(Uint32Array.from(proto.uint64Data ?? [], toNumber))
    case 'int32':
      return bytesOf(Int32Array.from(proto.int32Data ?? []))
    default:
      // Narrow types travel as 32-bit integers, float16 and bfloat16 as their bits.
      return bytesPerElement(dtype) === 2
        ? bytesOf(Uint16Array.from(proto.int32Data ?? []))
        : Uint8Array.from(proto.int32Data ?? [])
  }
}
