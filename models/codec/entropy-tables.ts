import { modelError } from '../errors.ts'
import { affineCodes, checkFinite } from './affine.ts'
import { type FrequencyTable, frequencyTable } from './frequency-table.ts'
import { contextAt, contextsOf } from './neighbours.ts'
import { checkQuantizer, type EntropyQuantizer, type Quantizer } from './quantizer.ts'

/** A code that comes less often than this is left to the escape: each one in a table takes 1/4096 from the others. */
const RARE = 1 / 8192

/**
 * The entropy quantiser of a static one (1 to 8 bits), its tables made from how often each code came in `latents`: whole frames
 * one after the other, each of `channels` runs of `perChannel` values. Take frames that the network was trained on, some thousand
 * of them. Gains, one a channel, and neighbours are taken over. Throws BAD_QUANTIZER, NOT_FINITE, and BAD_OPTION when there is not one whole frame.
 */
export function entropyQuantizer(
  plain: Extract<Quantizer, { kind: 'affine-static' }>,
  latents: Float32Array,
  channels: number,
  perChannel: number,
  { gains, inverseGains, neighbours }: Pick<EntropyQuantizer, 'gains' | 'inverseGains' | 'neighbours'> = {},
): EntropyQuantizer {
  const frames = latents.length / (channels * perChannel)
  if (!Number.isSafeInteger(frames) || frames < 1) {
    throw modelError(
      'BAD_OPTION',
      `${latents.length} values are not frames of ${channels} times ${perChannel}.`,
    )
  }
  checkQuantizer(plain)
  if (plain.bits > 8)
    throw modelError('BAD_QUANTIZER', `Halves have no tables: ${plain.bits} bits are not 1 to 8.`)
  checkFinite(latents)
  const { bits, scale, zeroPoint } = plain
  const codes = new Int32Array(latents.length)
  for (let begin = 0, run = 0; begin < latents.length; begin += perChannel, run++) {
    const step = Math.fround(scale / (gains?.[run % channels] ?? 1))
    const [from, to] = [
      latents.subarray(begin, begin + perChannel),
      codes.subarray(begin, begin + perChannel),
    ]
    affineCodes(from, { scale: step, zeroPoint }, bits, to)
  }
  const contexts = contextsOf(neighbours)
  const counts = Array.from({ length: channels * contexts }, () => new Array<number>(2 ** bits).fill(0))
  for (let begin = 0, run = 0; begin < codes.length; begin += perChannel, run++) {
    const first = (run % channels) * contexts
    for (let at = begin; at < begin + perChannel; at++) {
      const context = neighbours ? contextAt(codes, at, begin, neighbours, zeroPoint) : 0
      counts[first + context]![codes[at]!]!++
    }
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
