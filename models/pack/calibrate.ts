import { dequantize, quantize } from '../codec/codec.ts'
import type { Quantizer } from '../codec/quantizer.ts'
import type { Random } from '../data/random.ts'
import { packError } from './errors.ts'

/** A random sample of the values of many tensors. */
export class ValueSample {
  readonly #values: Float32Array
  readonly #perTensor: number
  readonly #random: Random
  #count = 0

  /** Keeps at most `size` values of `tensors` tensors, as many of each. */
  constructor(size: number, tensors: number, random: Random) {
    this.#perTensor = Math.ceil(size / tensors)
    this.#values = new Float32Array(this.#perTensor * tensors)
    this.#random = random
  }

  /** Throws CANNOT_PACK for NaN and infinities. */
  add(tensor: Float32Array): void {
    const all = tensor.length <= this.#perTensor
    const taken = all ? tensor.length : this.#perTensor
    for (let i = 0; i < taken && this.#count < this.#values.length; i++) {
      const value = tensor[all ? i : this.#random.below(tensor.length)]!
      if (!Number.isFinite(value)) {
        throw packError(
          'CANNOT_PACK',
          `The head gives ${value} for a photo. Is its input scaled as it should be?`,
        )
      }
      this.#values[this.#count++] = value
    }
  }

  /** The values, least first. */
  sorted(): Float32Array {
    return this.#values.slice(0, this.#count).sort()
  }
}

export interface Calibration {
  readonly quantizer: Extract<Quantizer, { kind: 'affine-static' }>
  /** The least and the greatest value that the quantiser can give back. */
  readonly low: number
  readonly high: number
  /** Share of the values that were left outside at each end, in percent. */
  readonly clipPercent: number
}

/** Shares tried, in percent. The extremes of a few photos say little of those to come, and cost resolution. */
const clips = [0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 2]

/**
 * The static quantiser whose codes lose least (squared error over `sorted`, at least one value): its range goes from
 * percentile to percentile, with as much clipped at each end, and holds zero, as the quantiser's form demands.
 * With `clipPercent` that share is clipped, 0 to 49.
 */
export function calibrate(sorted: Float32Array, bits: number, clipPercent?: number): Calibration {
  const candidates = (clipPercent === undefined ? clips : [clipPercent]).map((clip) =>
    clipped(sorted, bits, clip),
  )
  const errors = candidates.map(({ quantizer }) => squaredError(sorted, quantizer))
  return candidates[errors.indexOf(Math.min(...errors))]!
}

function clipped(sorted: Float32Array, bits: number, clipPercent: number): Calibration {
  const skip = Math.floor((sorted.length * clipPercent) / 100)
  const top = 2 ** bits - 1
  const low = Math.min(0, sorted[skip]!)
  const high = Math.max(0, sorted[sorted.length - 1 - skip]!)
  // A latent of zeros only: any scale gives them back.
  const scale = Math.fround((high - low) / top) || 1
  const zeroPoint = Math.min(top, Math.max(0, Math.round(-low / scale)))
  const quantizer = { kind: 'affine-static', bits, scale, zeroPoint } as const
  return { quantizer, low: -zeroPoint * scale || 0, high: (top - zeroPoint) * scale, clipPercent }
}

function squaredError(values: Float32Array, quantizer: Quantizer): number {
  const { packed } = quantize(values, quantizer)
  const back = dequantize(packed, values.length, quantizer)
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += (values[i]! - back[i]!) ** 2
  return sum
}
