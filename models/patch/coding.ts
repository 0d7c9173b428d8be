import { halfBits, halfValue } from '../codec/half.ts'
import { patchError } from './errors.ts'
import type { PatchDtype } from './header.ts'

/** How the numbers of one kind of one layer become bytes. */
export interface Coding {
  /** Whether it writes the numbers themselves, not differences. */
  readonly isAbsolute: boolean
  bytes(count: number): number
  write(values: Float64Array, view: DataView, at: number): void
  /** Throws PATCH_BAD_VALUES for what `write` never writes. */
  read(view: DataView, at: number, values: Float64Array): void
}

const float32: Coding = {
  isAbsolute: true,
  bytes: (count) => 4 * count,
  write(values, view, at) {
    for (let i = 0; i < values.length; i++) view.setFloat32(at + 4 * i, values[i]!, true)
  },
  read(view, at, values) {
    for (let i = 0; i < values.length; i++) values[i] = view.getFloat32(at + 4 * i, true)
  },
}

const float16: Coding = {
  isAbsolute: false,
  bytes: (count) => 2 * count,
  write(values, view, at) {
    for (let i = 0; i < values.length; i++) {
      const bits = halfBits(values[i]!)
      if (!Number.isFinite(halfValue(bits)))
        throw patchError('PATCH_BAD_VALUES', `A half cannot hold a difference of ${values[i]}`)
      view.setUint16(at + 2 * i, bits, true)
    }
  },
  read(view, at, values) {
    for (let i = 0; i < values.length; i++) values[i] = halfValue(view.getUint16(at + 2 * i, true))
  },
}

const TOP = 255

/**
 * A step (the upper half of a float32), the code that stands for zero, then a byte for each number: step · (code − zero). Zero always has a
 * code, so that what did not change does not change.
 */
const int8: Coding = {
  isAbsolute: false,
  bytes: (count) => 3 + count,
  write(values, view, at) {
    let [low, high] = [0, 0]
    for (const value of values) {
      if (value < low) low = value
      else if (value > high) high = value
    }
    // One step fewer than there are codes: then rounding at both ends leaves nothing out.
    const bits = stepBits((high - low) / (TOP - 1))
    const step = stepOf(bits)
    if (step === Number.POSITIVE_INFINITY)
      throw patchError('PATCH_BAD_VALUES', `A difference of ${high - low} is beyond all steps`)
    const zero = Math.min(TOP, Math.round(-low / step))
    view.setUint16(at, bits, true)
    view.setUint8(at + 2, zero)
    for (let i = 0; i < values.length; i++) {
      const code = Math.round(values[i]! / step) + zero
      view.setUint8(at + 3 + i, Math.min(TOP, Math.max(0, code)))
    }
  },
  read(view, at, values) {
    const step = stepOf(view.getUint16(at, true))
    if (!(step > 0 && step < Number.POSITIVE_INFINITY))
      throw patchError('PATCH_BAD_VALUES', `${step} is no step`)
    const zero = view.getUint8(at + 2)
    for (let i = 0; i < values.length; i++) values[i] = step * (view.getUint8(at + 3 + i) - zero)
  },
}

export const codings: Readonly<Record<PatchDtype, Coding>> = { float32, float16, int8 }

const word = new DataView(new ArrayBuffer(4))

/** The upper 16 bits of the least such number that is no less than `step`; of the least normal number for less. */
function stepBits(step: number): number {
  word.setFloat32(0, Math.max(step, 2 ** -126))
  const bits = word.getUint16(0)
  return stepOf(bits) < step ? bits + 1 : bits
}

function stepOf(bits: number): number {
  word.setUint32(0, bits << 16)
  return word.getFloat32(0)
}
