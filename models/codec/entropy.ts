import { modelError } from '../errors.ts'
import { affineCodes, checkFinite } from './affine.ts'
import { packBits, unpackBits } from './bits.ts'
import {
  type AffineRange,
  channelsOf,
  checkQuantizer,
  type EntropyQuantizer,
  leastCodedBytes,
  packedBytes,
} from './quantizer.ts'
import { RansCoder } from './rans.ts'

/** What the first byte of a payload says of the rest. */
const PACKED = 0
const CODED = 1
/** The beginning of a coded payload; what is missing counts as zero. */
const CUT = 2

/** A coder with memory for one tensor, and what it was made of. */
interface Kept {
  readonly made: EntropyQuantizer
  readonly coder: RansCoder
  readonly codes: Int32Array
  /** Each channel's map from values to codes, and back. */
  readonly forth: readonly AffineRange[]
  readonly back: Float32Array
}

/** A quantiser of a bundle codes frame after frame of one size: tables are checked and laid out once. */
const kept = new WeakMap<EntropyQuantizer, Kept>()

function keptFor(quantizer: EntropyQuantizer, count: number): Kept {
  const known = kept.get(quantizer)
  if (known?.codes.length === count && isSame(known.made, quantizer)) return known
  checkQuantizer(quantizer)
  const { tables, neighbours, zeroPoint: middle } = quantizer
  const perChannel = count / channelsOf(quantizer)
  if (!Number.isInteger(perChannel)) {
    throw modelError('BAD_QUANTIZER', `The quantiser has ${tables.length} tables for ${count} values.`)
  }
  if (quantizer.mostBytes !== undefined && quantizer.mostBytes < leastCodedBytes(count)) {
    throw modelError(
      'BAD_QUANTIZER',
      `mostBytes ${quantizer.mostBytes} leaves no room for ${count} values: at least ${leastCodedBytes(count)}.`,
    )
  }
  if (neighbours && perChannel % neighbours.rowLength !== 0) {
    throw modelError(
      'BAD_QUANTIZER',
      `${perChannel} values of a channel are not rows of ${neighbours.rowLength}.`,
    )
  }
  const fresh: Kept = {
    made: { ...quantizer },
    coder: new RansCoder(tables, perChannel, neighbours && { ...neighbours, middle }),
    codes: new Int32Array(count),
    forth: channelRanges(quantizer),
    back: backScales(quantizer),
  }
  kept.set(quantizer, fresh)
  return fresh
}

const isSame = (a: EntropyQuantizer, b: EntropyQuantizer): boolean =>
  a.bits === b.bits &&
  a.scale === b.scale &&
  a.zeroPoint === b.zeroPoint &&
  a.tables === b.tables &&
  a.neighbours === b.neighbours &&
  a.mostBytes === b.mostBytes &&
  a.gains === b.gains &&
  a.inverseGains === b.inverseGains

/** Each channel's own range: a gain before the rounding is a finer step. */
function channelRanges(quantizer: EntropyQuantizer): AffineRange[] {
  const { scale, zeroPoint, gains } = quantizer
  return Array.from({ length: channelsOf(quantizer) }, (_, channel) => ({
    scale: Math.fround(scale / (gains?.[channel] ?? 1)),
    zeroPoint,
  }))
}

function backScales(quantizer: EntropyQuantizer): Float32Array {
  const { scale, gains, inverseGains } = quantizer
  return Float32Array.from(
    { length: channelsOf(quantizer) },
    (_, channel) => scale * (inverseGains?.[channel] ?? 1 / (gains?.[channel] ?? 1)),
  )
}

/**
 * One byte that says how, then the codes: by their tables or, where that would be longer (noise, say), packed without gaps. So no
 * frame takes more than its packed codes and one byte; and none more than `mostBytes`, where the coded payload is cut.
 * Throws NOT_FINITE, BAD_QUANTIZER.
 */
export function encodeEntropy(x: Float32Array, quantizer: EntropyQuantizer): Uint8Array {
  const { coder, codes, forth } = keptFor(quantizer, x.length)
  const { bits, mostBytes = Number.POSITIVE_INFINITY } = quantizer
  checkFinite(x)
  const perChannel = x.length / forth.length
  for (const [channel, range] of forth.entries()) {
    const [begin, end] = [channel * perChannel, (channel + 1) * perChannel]
    affineCodes(x.subarray(begin, end), range, bits, codes.subarray(begin, end))
  }
  const coded = coder.encode(codes)
  const packedLength = packedBytes(x.length, bits)
  const length = 1 + Math.min(coded.length, packedLength)
  const isCut = length > mostBytes
  const payload = new Uint8Array(isCut ? mostBytes : length)
  payload[0] = isCut ? CUT : coded.length < packedLength ? CODED : PACKED
  if (payload[0] === PACKED) packBits(Uint8Array.from(codes), bits, payload.subarray(1))
  else payload.set(coded.subarray(0, payload.length - 1), 1)
  return payload
}

/** Fills `out` with the values of a payload. Throws BAD_PAYLOAD for what is none, NOT_FINITE, BAD_QUANTIZER. */
export function decodeEntropy(payload: Uint8Array, quantizer: EntropyQuantizer, out: Float32Array): void {
  const { coder, codes, back } = keptFor(quantizer, out.length)
  const { bits, zeroPoint, scale } = quantizer
  const rest = payload.subarray(1)
  if (payload[0] === CODED) coder.decode(rest, codes)
  else if (payload[0] === PACKED) codes.set(unpackBits(rest, out.length, bits))
  else if (payload[0] === CUT) codes.fill(zeroPoint, coder.decodePrefix(rest, codes))
  else throw modelError('BAD_PAYLOAD', `A payload of this mode starts with 0, 1 or 2, not ${payload[0]}.`)
  const top = 2 ** bits - 1
  const perChannel = out.length / back.length
  for (let channel = 0, i = 0; channel < back.length; channel++) {
    const step = back[channel]!
    for (const end = i + perChannel; i < end; i++) {
      const code = codes[i]!
      if (code < 0 || code > top) throw modelError('BAD_PAYLOAD', `Code ${code} is not one of ${bits} bits.`)
      out[i] = step * (code - zeroPoint)
    }
  }
  const widest = back.reduce((most, step) => Math.max(most, step), scale)
  if (Math.fround(widest * 2 ** bits) === Number.POSITIVE_INFINITY) checkFinite(out)
}
