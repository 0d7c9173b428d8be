import { modelError } from '../errors.ts'
import { type FrequencyTable, frequencyTableFault } from './frequency-table.ts'
import { contextsOf, type Neighbours, neighboursFault } from './neighbours.ts'
import { statesFor } from './rans.ts'

/**
 * How a latent becomes bytes.
 *
 * - `affine-static`: scale and zero point were calibrated once and stand in the manifest; nothing travels beside the
 *   payload.
 * - `affine-dynamic`: scale and zero point come from each tensor's own minimum and maximum and travel with it; this is
 *   BottleFit's published quantiser (see {@link quantize}).
 * - `entropy`: the codes of a static range (1 to 8 bits), each channel's coded by its own table of how often they come. The
 *   payload is as long as the frame has information, and never longer than its packed codes and one byte, or than
 *   `mostBytes`. Gains, one a channel, choose the rate: with them one encoder and one decoder have as many rates as one likes.
 *
 * At 16 bits the first two are the IEEE half of each value, and scale and zero point are not used.
 */
export type Quantizer =
  | { kind: 'affine-static'; bits: number; scale: number; zeroPoint: number }
  | { kind: 'affine-dynamic'; bits: number }
  | EntropyQuantizer

export interface EntropyQuantizer {
  kind: 'entropy'
  bits: number
  scale: number
  zeroPoint: number
  /**
   * One for each channel, or one for all: the tensor is split into as many equal runs. With `neighbours`, 2 · reach + 1 in place of
   * each one.
   */
  tables: FrequencyTable[]
  /** A code's table is chosen by the codes around it, which foretell it in part. Without: one table a channel. */
  neighbours?: Neighbours | undefined
  /** Each channel is multiplied by its gain before it is rounded. Default 1. */
  gains?: number[] | undefined
  /** What the decoder multiplies each channel by. Default: 1 / gain. */
  inverseGains?: number[] | undefined
  /**
   * A payload that would be longer ends here: the decoder takes what is missing (the last channels) as zero. For latents whose
   * channels come in order of importance, and against noise that takes more bytes than the link has.
   */
  mostBytes?: number | undefined
}

/** The affine map of a tensor: x ≈ scale · (q − zeroPoint). `scale` is a float32, `zeroPoint` one of the codes q. */
export interface AffineRange {
  readonly scale: number
  readonly zeroPoint: number
}

/** Bytes of `count` values at `bits` each, packed without gaps: ⌈count · bits / 8⌉. */
export const packedBytes = (count: number, bits: number): number => Math.ceil((count * bits) / 8)

/** What is wrong with the range of a quantiser of `bits` (1 to 8), or nothing. */
export function rangeFault({ scale, zeroPoint }: AffineRange, bits: number): string | undefined {
  const top = 2 ** bits - 1
  const single = Math.fround(scale)
  if (!(single > 0 && single < Number.POSITIVE_INFINITY)) return `scale ${scale} is not a positive float32`
  if (!Number.isInteger(zeroPoint) || zeroPoint < 0 || zeroPoint > top) {
    return `zero point ${zeroPoint} is not a whole number from 0 to ${top}`
  }
  return undefined
}

/** What is wrong with a quantiser, or nothing. */
export function quantizerFault(quantizer: Quantizer): string | undefined {
  const { bits } = quantizer
  const isEntropy = quantizer.kind === 'entropy'
  if (bits === 16 && !isEntropy) return undefined
  if (!(Number.isInteger(bits) && bits >= 1 && bits <= 8)) {
    return `${bits} bits are not 1 to 8${isEntropy ? '' : ' or 16'}`
  }
  if (quantizer.kind === 'affine-dynamic') return undefined
  return rangeFault(quantizer, bits) ?? (quantizer.kind === 'entropy' ? tablesFault(quantizer) : undefined)
}

/** Equal runs that a tensor is split into, each with tables of its own. */
export const channelsOf = ({ tables, neighbours }: EntropyQuantizer): number =>
  tables.length / contextsOf(neighbours)

/** The shortest that an entropy-coded tensor of `count` values can be: the byte that says how, and the coder's states. */
export const leastCodedBytes = (count: number): number => 1 + 4 * statesFor(count)

function tablesFault(quantizer: EntropyQuantizer): string | undefined {
  const { tables, gains, inverseGains, mostBytes, neighbours } = quantizer
  if (tables.length === 0) return 'tables are missing'
  const badNeighbours = neighbours && neighboursFault(neighbours)
  if (badNeighbours) return `neighbours: ${badNeighbours}`
  const channels = channelsOf(quantizer)
  if (!Number.isInteger(channels))
    return `${tables.length} tables are not ${contextsOf(neighbours)} for each channel`
  if (neighbours && neighbours.weights.length !== channels)
    return `neighbours: weights of ${neighbours.weights.length} channels, and tables of ${channels}`
  for (const [name, factors] of Object.entries({ gains, inverseGains })) {
    if (!factors) continue
    if (factors.length !== channels)
      return `${factors.length} ${name} are not as many as channels with tables: ${channels}`
    const bad = factors.find(
      (factor) => !(Math.fround(factor) > 0 && Math.fround(factor) < Number.POSITIVE_INFINITY),
    )
    if (bad !== undefined) return `${name}: ${bad} is not a positive float32`
  }
  if (inverseGains && !gains) return 'inverseGains need gains'
  for (let channel = 0; gains && channel < channels; channel++) {
    const [forth, back] = [
      quantizer.scale / gains[channel]!,
      quantizer.scale * (inverseGains?.[channel] ?? 1 / gains[channel]!),
    ]
    const isUsable = [forth, back].every(
      (step) => Math.fround(step) > 0 && Math.fround(step) < Number.POSITIVE_INFINITY,
    )
    if (!isUsable) return `scale and gains of channel ${channel} leave no step that a float32 holds`
  }
  if (mostBytes !== undefined && !(Number.isSafeInteger(mostBytes) && mostBytes >= leastCodedBytes(1))) {
    return `mostBytes ${mostBytes} is not a whole number from ${leastCodedBytes(1)}`
  }
  for (const [channel, table] of tables.entries()) {
    const fault = frequencyTableFault(table)
    if (fault) return `table ${channel}: ${fault}`
  }
  return undefined
}

/** How long the payload of `count` values may be; both ends are the same for all kinds but `entropy`. */
export function payloadLimits(quantizer: Quantizer, count: number): { least: number; most: number } {
  const packed = packedBytes(count, quantizer.bits)
  if (quantizer.kind !== 'entropy') return { least: packed, most: packed }
  const most = Math.min(1 + packed, quantizer.mostBytes ?? Number.POSITIVE_INFINITY)
  return { least: Math.min(1 + packed, leastCodedBytes(count)), most }
}

/** Throws `BAD_QUANTIZER`. */
export function checkQuantizer(quantizer: Quantizer): void {
  const fault = quantizerFault(quantizer)
  if (fault) throw modelError('BAD_QUANTIZER', `The quantiser's ${fault}.`)
}

/** `out` cut to `bytes`, or new memory. Throws `BAD_OPTION` when `out` is too small. */
export function bytesFor(bytes: number, out: Uint8Array | undefined): Uint8Array {
  if (!out) return new Uint8Array(bytes)
  if (out.length < bytes) {
    throw modelError('BAD_OPTION', `\`out\` holds ${out.length} bytes, and ${bytes} are needed.`)
  }
  return out.length === bytes ? out : out.subarray(0, bytes)
}

function checkCount(count: number): void {
  if (Number.isSafeInteger(count) && count >= 0) return
  throw modelError('BAD_PAYLOAD', `${count} is not a count of values.`)
}

/** Throws `BAD_PAYLOAD` when an entropy-coded payload is shorter or longer than `count` values can be. */
export function checkCoded(payload: Uint8Array, count: number, quantizer: EntropyQuantizer): void {
  checkCount(count)
  const { least, most } = payloadLimits(quantizer, count)
  if (payload.length >= least && payload.length <= most) return
  throw modelError('BAD_PAYLOAD', `${count} values take ${least} to ${most} bytes, got ${payload.length}.`)
}

/** Throws `BAD_PAYLOAD` unless `packed` is exactly as long as `count` values at `bits` are. */
export function checkPacked(packed: Uint8Array, count: number, bits: number): void {
  checkCount(count)
  const bytes = packedBytes(count, bits)
  if (packed.length !== bytes) {
    throw modelError(
      'BAD_PAYLOAD',
      `${count} values of ${bits} bits are ${bytes} bytes, got ${packed.length}.`,
    )
  }
  const usedInLast = (count * bits) % 8
  if (usedInLast !== 0 && packed[bytes - 1]! >> usedInLast !== 0) {
    throw modelError('BAD_PAYLOAD', 'The unused bits of the last byte are not zero.')
  }
}
