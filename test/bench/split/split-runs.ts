import type { Bundle, HeadRole } from '@isthmus/models/bundle'
import {
  ContextModel,
  channelsOf,
  contextsOf,
  dequantize,
  type EntropyQuantizer,
  quantize,
  RansCoder,
  symbolBits,
} from '@isthmus/models/codec'
import type { RgbImage } from '@isthmus/models/data'
import { elementCount } from '@isthmus/models/onnx'
import { openSession, type Session } from '@isthmus/models/runtime'
import { batchesOf, bestClasses, type Classes, run } from './classify.ts'
import { headOf, type SplitMode } from './split-modes.ts'

/** What became of every picture in one mode. */
export interface SplitRun {
  readonly mode: SplitMode
  readonly classes: Classes
  /** Payload of each picture. */
  readonly bytes: Uint32Array
  /** Bits that each payload's symbols cost under the mode's own tables; NaN where it was not coded by them. */
  readonly entropyBits: Float64Array
}

/**
 * Every picture in every mode: head, quantiser, coded bytes, and from these bytes alone dequantiser and tail. Each head runs once for
 * all of its modes.
 */
export async function splitRuns(
  bundle: Bundle,
  modes: readonly SplitMode[],
  pictures: readonly RgbImage[],
  threads: number,
): Promise<SplitRun[]> {
  const { manifest } = bundle
  const { input, output, latent } = manifest
  if (!latent) throw new Error(`Bundle ${bundle.id} has no latent.`)
  const options = { intraOpThreads: threads }
  const tail = await openSession(bundle.modelBytes('tail'), options)
  const heads = new Map<HeadRole, Session>()
  for (const role of new Set(modes.map(headOf)))
    heads.set(role, await openSession(bundle.modelBytes(role), options))
  const size = elementCount(latent.dims)
  const runs = modes.map((mode) => ({
    mode,
    classes: new Uint16Array(pictures.length),
    bytes: new Uint32Array(pictures.length),
    entropyBits: new Float64Array(pictures.length),
  }))
  try {
    for (const [role, head] of heads) {
      const own = runs.filter(({ mode }) => headOf(mode) === role)
      for await (const { start, rows, tensors } of batchesOf(manifest, pictures)) {
        const latents = await run(head, input.name, [rows, ...input.dims], tensors, latent.name)
        for (const { mode, classes, bytes, entropyBits } of own) {
          const received = new Float32Array(rows * size)
          for (let row = 0; row < rows; row++) {
            const coded = quantize(latents.subarray(row * size, (row + 1) * size), mode.quantizer)
            bytes[start + row] = coded.packed.length
            entropyBits[start + row] = bitsOf(coded.packed, mode, size)
            received.set(dequantize(coded.packed.slice(), size, mode.quantizer, coded), row * size)
          }
          const scores = await run(tail, latent.name, [rows, ...latent.dims], received, output.name)
          classes.set(bestClasses(scores, rows), start)
        }
      }
    }
    return runs
  } finally {
    await tail.dispose()
    for (const head of heads.values()) await head.dispose()
  }
}

/** The first byte of a payload that was coded by its tables, whole. */
const CODED = 1

/** Cross-entropy of a payload's symbols under the tables that it was coded by, bits; NaN for payloads of another kind. */
function bitsOf(payload: Uint8Array, { quantizer }: SplitMode, size: number): number {
  if (quantizer.kind !== 'entropy' || payload[0] !== CODED) return Number.NaN
  const perChannel = size / channelsOf(quantizer)
  return informationBits(quantizer, coderOf(quantizer, perChannel).decode(payload.subarray(1)), perChannel)
}

/** What symbols cost under the tables that stand for them: no coder has a part in it. */
export function informationBits(
  { tables, neighbours, zeroPoint }: Pick<EntropyQuantizer, 'tables' | 'neighbours' | 'zeroPoint'>,
  symbols: Int32Array,
  perChannel: number,
): number {
  const contexts = contextsOf(neighbours)
  const contextModel = neighbours && new ContextModel(neighbours, perChannel, zeroPoint)
  contextModel?.fill(symbols)
  let bits = 0
  for (let at = 0; at < symbols.length; at++) {
    const channel = Math.floor(at / perChannel)
    const context = contextModel?.tableAt(channel, at % perChannel) ?? 0
    bits += symbolBits(tables[channel * contexts + context]!, symbols[at]!)
  }
  return bits
}

const coders = new WeakMap<EntropyQuantizer, RansCoder>()

function coderOf(quantizer: EntropyQuantizer, perChannel: number): RansCoder {
  const { tables, neighbours, zeroPoint: middle } = quantizer
  const coder =
    coders.get(quantizer) ?? new RansCoder(tables, perChannel, neighbours && { ...neighbours, middle })
  coders.set(quantizer, coder)
  return coder
}
