import { modelError } from '../errors.ts'
import { affineCodes, checkFinite } from './affine.ts'
import { packBits, unpackBits } from './bits.ts'
import { checkQuantizer, type EntropyQuantizer, packedBytes } from './quantizer.ts'
import { RansCoder } from './rans.ts'

/** What the first byte of a payload says of the rest. */
const PACKED = 0
const CODED = 1

/** A coder with memory for one tensor, and what it was made of. */
interface Kept {
  readonly made: EntropyQuantizer
  readonly coder: RansCoder
  readonly codes: Int32Array
  readonly range: { readonly scale: number; readonly zeroPoint: number }
}

/** A quantiser of a bundle codes frame after frame of one size: tables are checked and laid out once. */
const kept = new WeakMap<EntropyQuantizer, Kept>()

function keptFor(quantizer: EntropyQuantizer, count: number): Kept {
  const known = kept.get(quantizer)
  if (known?.codes.length === count && isSame(known.made, quantizer)) return known
  checkQuantizer(quantizer)
  const { tables, scale, zeroPoint } = quantizer
  if (count % tables.length !== 0) {
    throw modelError('BAD_QUANTIZER', `The quantiser has ${tables.length} tables for ${count} values.`)
  }
  const fresh: Kept = {
    made: { ...quantizer },
    coder: new RansCoder(tables, count / tables.length),
    codes: new Int32Array(count),
    range: { scale: Math.fround(scale), zeroPoint },
  }
  kept.set(quantizer, fresh)
  return fresh
}

const isSame = (a: EntropyQuantizer, b: EntropyQuantizer): boolean =>
  a.bits === b.bits && a.scale === b.scale && a.zeroPoint === b.zeroPoint && a.tables === b.tables

/**
 * One byte that says how, then the codes: by their tables or, where that would be longer (noise, say), packed without gaps. So no
 * frame takes more than its packed codes and one byte. Throws NOT_FINITE, BAD_QUANTIZER.
 */
export function encodeEntropy(x: Float32Array, quantizer: EntropyQuantizer): Uint8Array {
  const { coder, codes, range } = keptFor(quantizer, x.length)
  const { bits } = quantizer
  checkFinite(x)
  affineCodes(x, range, bits, codes)
  const coded = coder.encode(codes)
  const isShorter = coded.length < packedBytes(x.length, bits)
  const payload = new Uint8Array(1 + (isShorter ? coded.length : packedBytes(x.length, bits)))
  payload[0] = isShorter ? CODED : PACKED
  if (isShorter) payload.set(coded, 1)
  else packBits(Uint8Array.from(codes), bits, payload.subarray(1))
  return payload
}

/** Fills `out` with the values of a payload. Throws BAD_PAYLOAD for what is none, NOT_FINITE, BAD_QUANTIZER. */
export function decodeEntropy(payload: Uint8Array, quantizer: EntropyQuantizer, out: Float32Array): void {
  const { coder, codes, range } = keptFor(quantizer, out.length)
  const { bits } = quantizer
  const rest = payload.subarray(1)
  if (payload[0] === CODED) coder.decode(rest, codes)
  else if (payload[0] === PACKED) codes.set(unpackBits(rest, out.length, bits))
  else throw modelError('BAD_PAYLOAD', `A payload of this mode starts with 0 or 1, not ${payload[0]}.`)
  const top = 2 ** bits - 1
  const { scale, zeroPoint } = range
  for (let i = 0; i < out.length; i++) {
    const code = codes[i]!
    if (code < 0 || code > top) throw modelError('BAD_PAYLOAD', `Code ${code} is not one of ${bits} bits.`)
    out[i] = scale * (code - zeroPoint)
  }
  if (Math.fround(scale * 2 ** bits) === Number.POSITIVE_INFINITY) checkFinite(out)
}
