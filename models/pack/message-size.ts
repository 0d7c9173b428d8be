import { MAX_MESSAGE_BYTES } from '@isthmus/proto'
import { packedBytes } from '../codec/quantizer.ts'
import type { CutCost } from '../onnx/inspect.ts'
import { packError } from './errors.ts'

/** A request's message around its payload stays well below this. */
const ENVELOPE_BYTES = 256

/** The largest payload that surely fits into one message. */
export const MAX_PAYLOAD_BYTES = MAX_MESSAGE_BYTES - ENVELOPE_BYTES

const kB = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`

/**
 * Throws PAYLOAD_TOO_LARGE when a frame cut at `at` does not fit into one message with one of these numbers of bits;
 * it says which would fit, and which later cut does.
 */
export function checkMessageSize(at: CutCost, cuts: readonly CutCost[], bits: readonly number[]): void {
  const fits = (cut: CutCost, each: number) => packedBytes(cut.uint8Bytes, each) <= MAX_PAYLOAD_BYTES
  const tooWide = bits.filter((each) => !fits(at, each))
  const [worst] = tooWide
  if (worst === undefined) return
  const ways: string[] = []
  const later = cuts
    .slice(cuts.indexOf(at) + 1)
    .find((cut) => cut.dtype === 'float32' && tooWide.every((each) => fits(cut, each)))
  if (later) {
    const share = `${(100 * later.headShare).toFixed(1)} % of the multiply-adds`
    ways.push(
      `The next cut that fits is "${later.tensor}" (${kB(packedBytes(later.uint8Bytes, worst))}, after ${share}).`,
    )
  }
  const enough = [8, 7, 6, 5, 4, 3, 2, 1].find((each) => each < worst && fits(at, each))
  if (enough !== undefined) ways.push(`Here --bits ${enough} would fit.`)
  if (ways.length === 0) ways.push('No later cut fits either: a bottleneck must be trained.')
  const size = kB(packedBytes(at.uint8Bytes, worst))
  throw packError(
    'PAYLOAD_TOO_LARGE',
    `At "${at.tensor}" a frame takes ${size} with ${worst} bits, and a message carries ${kB(MAX_PAYLOAD_BYTES)}. ${ways.join(' ')}`,
  )
}
