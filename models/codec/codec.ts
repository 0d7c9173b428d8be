import { modelError } from '../errors.ts'
import { affineRange, checkFinite, packAffine, unpackAffine } from './affine.ts'
import { decodeEntropy, encodeEntropy } from './entropy.ts'
import { packHalves, unpackHalves } from './half.ts'
import {
  type AffineRange,
  bytesFor,
  checkCoded,
  checkPacked,
  checkQuantizer,
  packedBytes,
  payloadLimits,
  type Quantizer,
  rangeFault,
} from './quantizer.ts'

/** A tensor as bytes, with the range that {@link dequantize} needs of a dynamic quantiser. */
export interface Quantized extends AffineRange {
  /**
   * ⌈n · bits / 8⌉ bytes: codes packed without gaps, lowest bits first; at 16 bits halves, low byte first. Of an entropy
   * quantiser as many as it takes.
   */
  readonly packed: Uint8Array
}

/**
 * Quantises a tensor, bit for bit as torchdistill does for BottleFit (arXiv 2201.02693; tensor_util.py), in float32:
 * scale = (max − min)/(2^b − 1), zeroPoint = trunc(clamp(−min/scale, 0, 2^b − 1)), q = round(clamp(zeroPoint + x/scale,
 * 0, 2^b − 1)) with halves to even; a static quantiser brings its own scale and zero point.
 *
 * The published range assumes that the values straddle zero or start there, as after a ReLU: others saturate, since the
 * zero point is clamped. Calibrate a static quantiser for a latent that keeps away from zero.
 *
 * With `out` (at least as long as {@link payloadLimits} says) no memory is allocated for the codes, but by an entropy quantiser;
 * `packed` is then `out`, cut to size. Throws `NOT_FINITE`, `BAD_QUANTIZER`, `BAD_OPTION`.
 */
export function quantize(x: Float32Array, quantizer: Quantizer, out?: Uint8Array): Quantized {
  if (quantizer.kind === 'entropy') {
    // Whatever the values: a buffer that fits one frame must fit the next.
    if (out) bytesFor(payloadLimits(quantizer, x.length).most, out)
    const payload = encodeEntropy(x, quantizer)
    const { zeroPoint } = quantizer
    out?.set(payload)
    const packed = out?.subarray(0, payload.length) ?? payload
    return { scale: Math.fround(quantizer.scale), zeroPoint, packed }
  }
  checkQuantizer(quantizer)
  const { bits } = quantizer
  const packed = bytesFor(packedBytes(x.length, bits), out)
  if (bits === 16) {
    packHalves(x, packed)
    return { scale: 1, zeroPoint: 0, packed }
  }
  let range: AffineRange
  if (quantizer.kind === 'affine-dynamic') range = affineRange(x, bits)
  else {
    checkFinite(x)
    range = { scale: Math.fround(quantizer.scale), zeroPoint: quantizer.zeroPoint }
  }
  packAffine(x, range, bits, packed)
  return { scale: range.scale, zeroPoint: range.zeroPoint, packed }
}

/**
 * The `count` values of a packed tensor: x̂ = scale · (q − zeroPoint), in float32. A dynamic quantiser needs the `range`
 * that travelled with the payload; a static one ignores it. Every argument may come from the wire: lengths are checked
 * before anything is allocated. With `out` (at least `count` long) nothing is allocated.
 *
 * Throws `BAD_PAYLOAD` for a wrong length or range, `NOT_FINITE`, `BAD_QUANTIZER`, `BAD_OPTION`.
 */
export function dequantize(
  packed: Uint8Array,
  count: number,
  quantizer: Quantizer,
  range?: AffineRange,
  out?: Float32Array,
): Float32Array {
  const { bits } = quantizer
  if (quantizer.kind === 'entropy') checkCoded(packed, count, quantizer)
  else {
    checkQuantizer(quantizer)
    checkPacked(packed, count, bits)
  }
  if (out && out.length < count) {
    throw modelError('BAD_OPTION', `\`out\` holds ${out.length} values, and ${count} are needed.`)
  }
  const values = out ? (out.length === count ? out : out.subarray(0, count)) : new Float32Array(count)
  if (quantizer.kind === 'entropy') {
    decodeEntropy(packed, quantizer, values)
    return values
  }
  if (bits === 16) {
    unpackHalves(packed, values)
    return values
  }
  const used = quantizer.kind === 'affine-static' ? quantizer : range
  const fault = used ? rangeFault(used, bits) : 'range is missing, and this quantiser is dynamic'
  if (!used || fault) throw modelError('BAD_PAYLOAD', `The payload's ${fault}.`)
  const scale = Math.fround(used.scale)
  unpackAffine(packed, { scale, zeroPoint: used.zeroPoint }, bits, values)
  if (Math.fround(scale * 2 ** bits) === Number.POSITIVE_INFINITY) checkFinite(values)
  return values
}
