import { quantize } from '../codec/codec.ts'
import { entropyQuantizer } from '../codec/entropy-tables.ts'
import { type EntropyQuantizer, packedBytes, type Quantizer } from '../codec/quantizer.ts'
import { MAX_PAYLOAD_BYTES } from './message-size.ts'

/** Values of latents that are kept to count codes in: 64 MB. */
const MOST_VALUES = 2 ** 24
/** Entries of the tables of one mode: a manifest is read before anything else, on small devices, too. */
const MOST_ENTRIES = 2 ** 14
/** Tables of one mode: those of eight, one for each number of bits, are as many as a manifest may have. */
const MOST_TABLES = 2 ** 10
/** A channel gets tables of its own if each of its codes may have come so often. */
const TIMES_EACH = 16

/** Whole latents, evenly spread over those that it is given. */
export class LatentSample {
  #latents: Float32Array[] = []
  #given = 0
  /** Every so many-th is kept. */
  #step = 1

  add(latent: Float32Array): void {
    if (this.#given++ % this.#step !== 0) return
    this.#latents.push(latent.slice())
    while (this.#latents.length > 1 && this.#latents.length * latent.length > MOST_VALUES) {
      this.#latents = this.#latents.filter((_, at) => at % 2 === 0)
      this.#step *= 2
    }
  }

  get count(): number {
    return this.#latents.length
  }

  /** One after the other. */
  values(): Float32Array {
    const values = new Float32Array(this.#latents.reduce((sum, { length }) => sum + length, 0))
    let at = 0
    for (const latent of this.#latents) {
      values.set(latent, at)
      at += latent.length
    }
    return values
  }
}

/**
 * The same codes in fewer bytes, without training: coded by how often each came in `sample`, in each channel where that is known
 * well enough, else in all of them. What it gives back is what `plain` gives back; `plain` itself where codes would save nothing.
 */
export function coded(
  plain: Extract<Quantizer, { kind: 'affine-static' }>,
  sample: LatentSample,
  latentDims: readonly number[],
): EntropyQuantizer | typeof plain {
  const size = latentDims.reduce((product, dim) => product * dim, 1)
  const codes = 2 ** plain.bits
  const [first] = latentDims.length === 3 ? latentDims : []
  const hasOwn =
    first !== undefined &&
    first <= MOST_TABLES &&
    first * codes <= MOST_ENTRIES &&
    (sample.count * size) / first >= TIMES_EACH * codes
  const channels = hasOwn ? first : 1
  const latents = sample.values()
  const quantizer = entropyQuantizer(plain, latents, channels, size / channels)
  if (meanBytes(latents, size, quantizer) >= packedBytes(size, plain.bits)) return plain
  // A frame like none before may take a byte more than its packed codes, and must fit all the same.
  const isTight = packedBytes(size, plain.bits) + 1 > MAX_PAYLOAD_BYTES
  return isTight ? { ...quantizer, mostBytes: MAX_PAYLOAD_BYTES } : quantizer
}

function meanBytes(latents: Float32Array, size: number, quantizer: Quantizer): number {
  let bytes = 0
  for (let at = 0; at < latents.length; at += size) {
    bytes += quantize(latents.subarray(at, at + size), quantizer).packed.length
  }
  return (bytes * size) / latents.length
}
