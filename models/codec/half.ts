import { modelError } from '../errors.ts'

const word = new Float32Array(1)
const wordBits = new Uint32Array(word.buffer)

/** The 16 bits of the IEEE half nearest to a finite float32, halves to even; infinity's when it is beyond 65504. */
export function halfBits(value: number): number {
  word[0] = value
  const bits = wordBits[0]!
  const sign = (bits >>> 16) & 0x8000
  const magnitude = bits & 0x7fffffff
  if (magnitude >= 0x477ff000) return sign | 0x7c00
  if (magnitude < 0x38800000) {
    // Below 2^-14 halves are multiples of 2^-24; the double's own rounding does the work.
    const steps = Math.abs(word[0]!) * 2 ** 24
    return sign | (steps + 2 ** 52 - 2 ** 52)
  }
  // Round the 13 bits that go away, to even; a carry moves into the exponent, as it should.
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13)
}

/** The value of a half, exactly. */
export function halfValue(bits: number): number {
  const exponent = (bits >>> 10) & 0x1f
  const mantissa = bits & 0x3ff
  let magnitude: number
  if (exponent === 0) magnitude = mantissa * 2 ** -24
  else if (exponent === 31) magnitude = mantissa === 0 ? Number.POSITIVE_INFINITY : Number.NaN
  else {
    wordBits[0] = ((exponent + 112) << 23) | (mantissa << 13)
    magnitude = word[0]!
  }
  return bits & 0x8000 ? -magnitude : magnitude
}

/** Writes each value as a half, low byte first. Throws `NOT_FINITE` for a value that no half can hold. */
export function packHalves(x: Float32Array, packed: Uint8Array): void {
  for (let i = 0; i < x.length; i++) {
    const bits = halfBits(x[i]!)
    if ((bits & 0x7c00) === 0x7c00) {
      throw modelError('NOT_FINITE', `Value ${i} of ${x.length} is ${x[i]}; a half holds ±65504 at most.`)
    }
    packed[2 * i] = bits
    packed[2 * i + 1] = bits >>> 8
  }
}

/** Reads halves, low byte first. Throws `NOT_FINITE` for NaN and infinities. */
export function unpackHalves(packed: Uint8Array, out: Float32Array): void {
  for (let i = 0; i < out.length; i++) {
    const value = halfValue(packed[2 * i]! | (packed[2 * i + 1]! << 8))
    if (value - value !== 0) throw modelError('NOT_FINITE', `Value ${i} of ${out.length} is ${value}.`)
    out[i] = value
  }
}
