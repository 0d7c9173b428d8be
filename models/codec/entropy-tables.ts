import { modelError } from '../errors.ts'
import { affineCodes, checkFinite } from './affine.ts'
import { type FrequencyTable, frequencyTable } from './frequency-table.ts'
import { ContextModel, contextsOf } from './neighbours.ts'
import { checkQuantizer, type EntropyQuantizer, type Quantizer } from './quantizer.ts'

/** A code that comes less often than this is left to the escape: each one in a table takes 1/4096 from the others. */
const RARE = 1 / 8192

/** A static quantiser, whose codes get tables. */
export type StaticRange = Extract<Quantizer, { kind: 'affine-static' }>

/**
 * The codes of `latents`: whole frames one after the other, each of `channels` runs of `perChannel` values. Throws BAD_QUANTIZER,
 * NOT_FINITE, and BAD_OPTION when there is not one whole frame.
 */
export function latentCodes(
  plain: StaticRange,
  latents: Float32Array,
  channels: number,
  perChannel: number,
  gains?: readonly number[],
): Int32Array {
  const frames = latents.length / (channels * perChannel)
  if (!Number.isSafeInteger(frames) || frames < 1) {
    throw modelError(
      'BAD_OPTION',
      `${latents.length} values are not frames of ${channels} times ${perChannel}.`,
    )
  }
  checkQuantizer(plain)
  const { bits, scale, zeroPoint } = plain
  if (bits > 8) throw modelError('BAD_QUANTIZER', `Halves have no tables: ${bits} bits are not 1 to 8.`)
  checkFinite(latents)
  const codes = new Int32Array(latents.length)
  for (let begin = 0, run = 0; begin < latents.length; begin += perChannel, run++) {
    const step = Math.fround(scale / (gains?.[run % channels] ?? 1))
    const [from, to] = [
      latents.subarray(begin, begin + perChannel),
      codes.subarray(begin, begin + perChannel),
    ]
    affineCodes(from, { scale: step, zeroPoint }, bits, to)
  }
  return codes
}

/**
 * The entropy quantiser of a static one (1 to 8 bits), its tables made from how often each code came in `latents` (as for
 * `latentCodes`). Take frames that the network was trained on, some thousand of them. Gains, one a channel, and neighbours are
 * taken over. Throws BAD_QUANTIZER, NOT_FINITE, BAD_OPTION.
 */
export function entropyQuantizer(
  plain: StaticRange,
  latents: Float32Array,
  channels: number,
  perChannel: number,
  { gains, inverseGains, neighbours }: Pick<EntropyQuantizer, 'gains' | 'inverseGains' | 'neighbours'> = {},
): EntropyQuantizer {
  const codes = latentCodes(plain, latents, channels, perChannel, gains)
  const { bits, scale, zeroPoint } = plain
  const contexts = contextsOf(neighbours)
  const counts = Array.from({ length: channels * contexts }, () => new Array<number>(2 ** bits).fill(0))
  const contextModel = neighbours && new ContextModel(neighbours, perChannel, zeroPoint)
  const frame = channels * perChannel
  for (let at = 0; at < codes.length; at++) {
    if (at % frame === 0) contextModel?.fill(codes.subarray(at, at + frame))
    const channel = Math.floor((at % frame) / perChannel)
    const context = contextModel?.tableAt(channel, at % perChannel) ?? 0
    counts[channel * contexts + context]![codes[at]!]!++
  }
  const tables = counts.map(tableOf)
  const made: EntropyQuantizer = {
    ...{ kind: 'entropy', bits, scale, zeroPoint, tables },
    ...(gains && { gains }),
    ...(inverseGains && { inverseGains }),
    ...(neighbours && { neighbours }),
  }
  checkQuantizer(made)
  return made
}

function tableOf(counts: readonly number[]): FrequencyTable {
  const total = counts.reduce((sum, count) => sum + count, 0)
  // Never seen: whatever comes is an escape or the one code that stands here.
  if (total === 0) return frequencyTable(counts.length >> 1, [1], 1)
  const frequent = (count: number) => count >= RARE * total
  const first = counts.findIndex(frequent)
  const last = counts.findLastIndex(frequent)
  const held = counts.slice(first, last + 1)
  const rest = total - held.reduce((sum, count) => sum + count, 0)
  return frequencyTable(first, held, rest)
}
