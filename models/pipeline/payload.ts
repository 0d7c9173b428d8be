import { dequantize, quantize } from '../codec/codec.ts'
import { pipelineError } from './errors.ts'
import { type StageArray, stageArrays } from './tensor-form.ts'
import { elementBytes, type WiredTensor } from './wiring.ts'

/** Before the codes of a coded tensor: the scale, float32 little-endian, and the zero point. */
const RANGE_BYTES = 5

type Sized = Pick<WiredTensor, 'dtype' | 'count' | 'coded'>

/** Bytes that a tensor takes in a payload. */
export const payloadBytesOf = (tensor: Sized): number =>
  tensor.coded ? RANGE_BYTES + tensor.count : tensor.count * elementBytes(tensor)

/**
 * Where each tensor of a payload starts: one after another, each at a multiple of its element's size, so that it can be read
 * where it lies. The bytes between are 0.
 */
export function payloadLayout(tensors: readonly Sized[]): {
  readonly offsets: readonly number[]
  readonly bytes: number
} {
  const offsets: number[] = []
  let bytes = 0
  for (const tensor of tensors) {
    const step = tensor.coded ? 1 : elementBytes(tensor)
    bytes = Math.ceil(bytes / step) * step
    offsets.push(bytes)
    bytes += payloadBytesOf(tensor)
  }
  return { offsets, bytes }
}

const gap = new Uint8Array(8)
/** The least scale that a float32 holds in full. */
const LEAST_SCALE = 2 ** -126

/** The affine range of 8 bits that holds all values of a tensor, and 0. */
function rangeOf(values: Float32Array): { readonly scale: number; readonly zeroPoint: number } {
  let [low, high] = [0, 0]
  for (let at = 0; at < values.length; at++) {
    low = Math.min(low, values[at]!)
    high = Math.max(high, values[at]!)
  }
  const scale = Math.fround(Math.max(LEAST_SCALE, (high - low) / 255))
  return { scale, zeroPoint: Math.min(255, Math.max(0, Math.round(-low / scale))) }
}

/** A payload in parts, to be written one after another: exact tensors as views of their arrays. Throws `NOT_FINITE` or `BAD_QUANTIZER` for a coded tensor with NaN or an infinity. */
export function payloadParts(
  tensors: readonly Sized[],
  arrayOf: (at: number) => StageArray,
): readonly Uint8Array[] {
  const { offsets } = payloadLayout(tensors)
  const parts: Uint8Array[] = []
  let end = 0
  for (const [at, tensor] of tensors.entries()) {
    const start = offsets[at]!
    if (start > end) parts.push(gap.subarray(0, start - end))
    end = start + payloadBytesOf(tensor)
    const array = arrayOf(at)
    if (!tensor.coded) {
      parts.push(new Uint8Array(array.buffer, array.byteOffset, array.byteLength))
      continue
    }
    const floats = array as Float32Array
    const { scale, zeroPoint } = rangeOf(floats)
    const { packed } = quantize(floats, { kind: 'affine-static', bits: 8, scale, zeroPoint })
    const range = new Uint8Array(RANGE_BYTES)
    new DataView(range.buffer).setFloat32(0, scale, true)
    range[4] = zeroPoint
    parts.push(range, packed)
  }
  return parts
}

/**
 * The tensors of a payload. Exact ones are views of it where it is aligned in its buffer, else copies. Throws
 * `PIPELINE_MISMATCH` for another length than the tensors have, and what dequantizing throws.
 */
export function readPayload(tensors: readonly Sized[], payload: Uint8Array): StageArray[] {
  const { offsets, bytes } = payloadLayout(tensors)
  if (payload.length !== bytes) {
    throw pipelineError('PIPELINE_MISMATCH', `The tensors take ${bytes} bytes, not ${payload.length}.`)
  }
  // 8 is the size of the largest element.
  const own = payload.byteOffset % 8 === 0 ? payload : payload.slice()
  return tensors.map((tensor, at) => {
    const start = own.byteOffset + offsets[at]!
    if (!tensor.coded) return new stageArrays[tensor.dtype](own.buffer, start, tensor.count)
    const view = new DataView(own.buffer, start, RANGE_BYTES)
    const scale = view.getFloat32(0, true)
    const zeroPoint = view.getUint8(4)
    const codes = new Uint8Array(own.buffer, start + RANGE_BYTES, tensor.count)
    return dequantize(codes, tensor.count, { kind: 'affine-static', bits: 8, scale, zeroPoint })
  })
}
