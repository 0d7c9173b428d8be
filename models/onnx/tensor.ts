import { bytesPerElement, type DType } from './dtype.ts'

/** Where the bytes of a tensor lie when they are not in the model file. */
export interface ExternalLocation {
  /** Path relative to the model file. */
  readonly location: string
  readonly offset: number
  /** Bytes; -1 when the model does not say (then: to the end of what the shape needs). */
  readonly length: number
}

/** A constant of a model: little-endian bytes, usually a view into the file that it was read from. */
export interface ConstantTensor {
  readonly dtype: DType
  readonly dims: readonly number[]
  readonly bytes: Uint8Array
  readonly external?: ExternalLocation
  /** Elements of a string tensor; such tensors have no bytes. */
  readonly strings?: readonly Uint8Array[]
}

/** Number of elements of a shape. */
export function elementCount(dims: readonly number[]): number {
  let count = 1
  for (const dim of dims) count *= dim
  return count
}

/** Bytes of a tensor of this type and shape. */
export const byteLength = (dtype: DType, dims: readonly number[]): number =>
  elementCount(dims) * bytesPerElement(dtype)

const bytesOf = (data: ArrayBufferView): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength)

/** A float32 constant over `data`, which is not copied. */
export function float32Tensor(
  data: Float32Array | readonly number[],
  dims?: readonly number[],
): ConstantTensor {
  const array = data instanceof Float32Array ? data : Float32Array.from(data)
  return { dtype: 'float32', dims: dims ?? [array.length], bytes: bytesOf(array) }
}

/** An int64 constant; ONNX wants shapes, axes and indices in this type. */
export function int64Tensor(values: readonly number[], dims?: readonly number[]): ConstantTensor {
  const array = BigInt64Array.from(values, (value) => BigInt(value))
  return { dtype: 'int64', dims: dims ?? [array.length], bytes: bytesOf(array) }
}

/** A copy where typed arrays need one. (Not `slice`: on a Buffer that is another view.) */
const aligned = (bytes: Uint8Array, width: number): Uint8Array =>
  bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes)

/** The elements of a float32 constant: a view where alignment allows it, else a copy. */
export function float32Values(tensor: ConstantTensor): Float32Array {
  const bytes = aligned(tensor.bytes, 4)
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
}

/** The elements of an int32 or int64 constant as numbers; values beyond 2^53 lose precision. */
export function integerValues(tensor: ConstantTensor): number[] {
  const bytes = aligned(tensor.bytes, 8)
  if (tensor.dtype === 'int64') {
    return Array.from(new BigInt64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8), Number)
  }
  return Array.from(new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4))
}
