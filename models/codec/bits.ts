import { modelError } from '../errors.ts'
import { bytesFor, checkPacked, packedBytes } from './quantizer.ts'

function checkBits(bits: number): void {
  if (!(Number.isInteger(bits) && bits >= 1 && bits <= 8)) {
    throw modelError('BAD_QUANTIZER', `${bits} bits are not 1 to 8.`)
  }
}

/**
 * Packs codes of 1 to 8 bits without gaps, the first code in the lowest bits of the first byte. The unused bits of the
 * last byte are zero. With `out`, writes there and returns it (cut to size when it is longer).
 *
 * Throws `BAD_OPTION` when a code does not fit into `bits` or `out` is too small, `BAD_QUANTIZER` for other bits.
 */
export function packBits(codes: Uint8Array, bits: number, out?: Uint8Array): Uint8Array {
  checkBits(bits)
  const packed = bytesFor(packedBytes(codes.length, bits), out)
  let seen = 0
  let held = 0
  let heldBits = 0
  let at = 0
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i]!
    seen |= code
    held |= code << heldBits
    heldBits += bits
    if (heldBits >= 8) {
      packed[at++] = held
      held >>>= 8
      heldBits -= 8
    }
  }
  if (heldBits > 0) packed[at] = held
  if (seen >> bits !== 0) throw modelError('BAD_OPTION', `A code does not fit into ${bits} bits.`)
  return packed
}

/**
 * The `count` codes of 1 to 8 bits that {@link packBits} packed. With `out`, writes there and returns it (cut to size).
 *
 * Throws `BAD_PAYLOAD` when `packed` is not exactly that long or its unused bits are not zero, before allocating.
 */
export function unpackBits(packed: Uint8Array, count: number, bits: number, out?: Uint8Array): Uint8Array {
  checkBits(bits)
  checkPacked(packed, count, bits)
  const codes = bytesFor(count, out)
  const mask = 2 ** bits - 1
  let held = 0
  let heldBits = 0
  let at = 0
  for (let i = 0; i < count; i++) {
    if (heldBits < bits) {
      held |= packed[at++]! << heldBits
      heldBits += 8
    }
    codes[i] = held & mask
    held >>>= bits
    heldBits -= bits
  }
  return codes
}
