import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { modelError } from '../errors.ts'
import { affineCodes, checkFinite } from './affine.ts'
import { type AffineRange, rangeFault } from './quantizer.ts'

/** Static ranges, one for each channel of a tensor `[channels, …]`, of codes of `bits` (1 to 8). */
export interface ChannelRanges {
  readonly bits: number
  readonly channels: readonly AffineRange[]
}

/**
 * Ranges that hold every value of some frames, for a tensor that nobody trained to be small: any cut of any network. `latents` are whole
 * frames one after the other, each of `channels` runs of equal length. Every range holds zero.
 * Throws NOT_FINITE, BAD_QUANTIZER, and BAD_OPTION when there is not one whole frame.
 */
export function channelRangesOf(
  latents: Float32Array,
  channels: number,
  perChannel: number,
  bits = 8,
): ChannelRanges {
  const frames = latents.length / (channels * perChannel)
  if (!Number.isSafeInteger(frames) || frames < 1) {
    throw modelError(
      'BAD_OPTION',
      `${latents.length} values are not frames of ${channels} times ${perChannel}.`,
    )
  }
  checkFinite(latents)
  const lows = new Float64Array(channels)
  const highs = new Float64Array(channels)
  for (let at = 0; at < latents.length; at++) {
    const channel = Math.floor(at / perChannel) % channels
    lows[channel] = Math.min(lows[channel]!, latents[at]!)
    highs[channel] = Math.max(highs[channel]!, latents[at]!)
  }
  const top = 2 ** bits - 1
  const made = Array.from(lows, (low, channel) => {
    // A channel that is always zero: any scale gives it back.
    const scale = Math.fround((highs[channel]! - low) / top) || 1
    return { scale, zeroPoint: Math.min(top, Math.round(-low / scale)) }
  })
  const ranges = { bits, channels: made }
  checkRanges(ranges)
  return ranges
}

/**
 * Codes a tensor without any training: each channel by its own static range, a byte for each code, and deflate with Huffman codes alone.
 * (Neighbouring codes of a feature map hardly ever repeat as strings, so deflate's search would cost time and gain nothing.)
 * The bytes are zlib's, so they may differ from one version of it to the next; what they decode to does not.
 * Throws NOT_FINITE, BAD_QUANTIZER, and BAD_OPTION when the channels do not share the values evenly.
 */
export function deflateChannels(x: Float32Array, ranges: ChannelRanges): Uint8Array {
  checkRanges(ranges)
  checkFinite(x)
  const perChannel = evenShare(x.length, ranges)
  const codes = new Int32Array(x.length)
  for (const [channel, range] of ranges.channels.entries()) {
    const [begin, end] = [channel * perChannel, (channel + 1) * perChannel]
    affineCodes(x.subarray(begin, end), range, ranges.bits, codes.subarray(begin, end))
  }
  return deflateRawSync(Uint8Array.from(codes), { strategy: constants.Z_HUFFMAN_ONLY })
}

/**
 * The `count` values of {@link deflateChannels}. `payload` may come from the wire: no more than `count` bytes are ever unpacked.
 * Throws BAD_PAYLOAD, BAD_QUANTIZER, BAD_OPTION.
 */
export function inflateChannels(payload: Uint8Array, count: number, ranges: ChannelRanges): Float32Array {
  checkRanges(ranges)
  const perChannel = evenShare(count, ranges)
  let codes: Uint8Array
  try {
    codes = inflateRawSync(payload, { maxOutputLength: Math.max(1, count) })
  } catch (cause) {
    throw modelError('BAD_PAYLOAD', `The deflated payload does not unpack to ${count} codes.`, cause)
  }
  const top = 2 ** ranges.bits - 1
  const fits = codes.length === count && codes.every((code) => code <= top)
  if (!fits) throw modelError('BAD_PAYLOAD', `The payload is not ${count} codes of ${ranges.bits} bits.`)
  const values = new Float32Array(count)
  for (const [channel, { scale, zeroPoint }] of ranges.channels.entries()) {
    const step = Math.fround(scale)
    for (let at = channel * perChannel; at < (channel + 1) * perChannel; at++) {
      values[at] = step * (codes[at]! - zeroPoint)
    }
  }
  return values
}

function checkRanges({ bits, channels }: ChannelRanges): void {
  if (!(Number.isInteger(bits) && bits >= 1 && bits <= 8)) {
    throw modelError('BAD_QUANTIZER', `${bits} bits are not 1 to 8.`)
  }
  for (const [channel, range] of channels.entries()) {
    const fault = rangeFault(range, bits)
    if (fault) throw modelError('BAD_QUANTIZER', `Channel ${channel}: ${fault}.`)
  }
}

function evenShare(count: number, { channels }: ChannelRanges): number {
  const perChannel = count / channels.length
  if (Number.isSafeInteger(perChannel) && count >= 0) return perChannel
  throw modelError('BAD_OPTION', `${channels.length} channels cannot share ${count} values evenly.`)
}
