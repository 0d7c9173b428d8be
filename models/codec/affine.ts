import { modelError } from '../errors.ts'
import type { AffineRange } from './quantizer.ts'

const { fround } = Math

/** Adding and taking away 2^52 leaves a double no room for a fraction: it rounds halves to even, as PyTorch does. */
const roundingShift = 2 ** 52

/** Throws `NOT_FINITE` naming the first NaN or infinity. */
export function checkFinite(x: Float32Array): void {
  let fault = 0
  // 0 · NaN and 0 · ∞ are NaN, every other product is 0; one look at the sum replaces a branch per value.
  for (let i = 0; i < x.length; i++) fault += x[i]! * 0
  if (fault === 0) return
  const at = x.findIndex((value) => !Number.isFinite(value))
  throw modelError('NOT_FINITE', `Value ${at} of ${x.length} is ${x[at]}.`)
}

/**
 * Scale and zero point of a tensor from its own minimum and maximum, in float32 arithmetic as published:
 * scale = (max − min) / (2^bits − 1), zeroPoint = trunc(clamp(−min / scale, 0, 2^bits − 1)).
 *
 * The published formula divides by zero when all values are the same; here such a tensor gets a range that gives the
 * value back exactly. An empty tensor gets scale 1. Throws `NOT_FINITE`, also when max − min leaves float32.
 */
export function affineRange(x: Float32Array, bits: number): AffineRange {
  checkFinite(x)
  if (x.length === 0) return { scale: 1, zeroPoint: 0 }
  findExtremes(x)
  const min = extremes[0]!
  const max = extremes[1]!
  const top = 2 ** bits - 1
  const scale = fround(fround(max - min) / top)
  if (scale === Number.POSITIVE_INFINITY) {
    throw modelError('NOT_FINITE', `The values span ${min} to ${max}, more than a float32 can hold.`)
  }
  // Also when the span is so small that dividing it leaves nothing.
  if (scale === 0) return { scale: Math.abs(max) || 1, zeroPoint: max < 0 ? 1 : 0 }
  return { scale, zeroPoint: Math.trunc(Math.min(Math.max(fround(-min / scale), 0), top)) }
}

/** Where {@link findExtremes} leaves minimum and maximum: as local variables they would be boxed on every change. */
const extremes = new Float32Array(2)

function findExtremes(x: Float32Array): void {
  let min = x[0]!
  let max = min
  for (let i = 1; i < x.length; i++) {
    const value = x[i]!
    if (value < min) min = value
    else if (value > max) max = value
  }
  extremes[0] = min
  extremes[1] = max
}

/**
 * q = round(clamp(zeroPoint + x / scale, 0, 2^bits − 1)) for every value, packed without gaps into `packed`, lowest
 * bits first. Float32 arithmetic: a quotient or sum of two float32 computed in double and then rounded to float32 is
 * the correctly rounded one.
 */
export function packAffine(x: Float32Array, range: AffineRange, bits: number, packed: Uint8Array): void {
  if (bits === 8) {
    // A clamped array clamps and rounds halves to even by itself.
    packBytes(x, range, new Uint8ClampedArray(packed.buffer, packed.byteOffset, packed.length))
    return
  }
  const { scale, zeroPoint } = range
  const top = 2 ** bits - 1
  let held = 0
  let heldBits = 0
  let at = 0
  for (let i = 0; i < x.length; i++) {
    const level = fround(zeroPoint + fround(x[i]! / scale))
    // Math.min and Math.max take half as long again.
    const clamped = level > 0 ? (level < top ? level : top) : 0
    held |= (clamped + roundingShift - roundingShift) << heldBits
    heldBits += bits
    if (heldBits >= 8) {
      packed[at++] = held
      held >>>= 8
      heldBits -= 8
    }
  }
  if (heldBits > 0) packed[at] = held
}

/** The codes of {@link packAffine}, one by one. */
export function affineCodes(x: Float32Array, range: AffineRange, bits: number, codes: Int32Array): void {
  const { scale, zeroPoint } = range
  const top = 2 ** bits - 1
  for (let i = 0; i < x.length; i++) {
    const level = fround(zeroPoint + fround(x[i]! / scale))
    const clamped = level > 0 ? (level < top ? level : top) : 0
    codes[i] = clamped + roundingShift - roundingShift
  }
}

function packBytes(x: Float32Array, { scale, zeroPoint }: AffineRange, codes: Uint8ClampedArray): void {
  for (let i = 0; i < x.length; i++) codes[i] = fround(zeroPoint + fround(x[i]! / scale))
}

/** x̂ = scale · (q − zeroPoint), in float32. */
export function unpackAffine(packed: Uint8Array, range: AffineRange, bits: number, out: Float32Array): void {
  const { scale, zeroPoint } = range
  if (bits === 8) {
    for (let i = 0; i < out.length; i++) out[i] = scale * (packed[i]! - zeroPoint)
    return
  }
  const mask = 2 ** bits - 1
  let held = 0
  let heldBits = 0
  let at = 0
  for (let i = 0; i < out.length; i++) {
    if (heldBits < bits) {
      held |= packed[at++]! << heldBits
      heldBits += 8
    }
    out[i] = scale * ((held & mask) - zeroPoint)
    held >>>= bits
    heldBits -= bits
  }
}
