import type { NormLayer } from './norm-layers.ts'

/** Mean and variance of each channel in front of the normalisation layers, each [channels of all layers]. */
export interface Moments {
  readonly mean: Float32Array
  readonly variance: Float32Array
}

/**
 * How far moments lie from others, in the others' standard deviations: the mean over channels of (difference of means / deviation)² +
 * ½ (logarithm of the ratio of variances)², and that over `layers`. 0 for the same; it does not change with the scale of any channel.
 */
export function momentsDistance(a: Moments, from: Moments, layers: readonly NormLayer[]): number {
  let sum = 0
  for (const { offset, channels, epsilon } of layers) {
    let layer = 0
    for (let at = offset; at < offset + channels; at++) {
      const variance = from.variance[at]! + epsilon
      const step = a.mean[at]! - from.mean[at]!
      const ratio = Math.log((a.variance[at]! + epsilon) / variance)
      layer += (step * step) / variance + 0.5 * ratio * ratio
    }
    sum += layer / channels
  }
  return sum / layers.length
}

/** Moments of several parts of a batch together. */
export class MomentsSum {
  #frames = 0
  #mean: Float64Array | undefined
  #square: Float64Array | undefined

  get frames(): number {
    return this.#frames
  }

  /** Moments of `frames` more frames. */
  add({ mean, variance }: Moments, frames: number): void {
    this.#mean ??= new Float64Array(mean.length)
    this.#square ??= new Float64Array(mean.length)
    for (let at = 0; at < mean.length; at++) {
      this.#mean[at]! += frames * mean[at]!
      this.#square[at]! += frames * (variance[at]! + mean[at]! * mean[at]!)
    }
    this.#frames += frames
  }

  /** Those of all so far. */
  get moments(): Moments {
    const [sum, square, frames] = [this.#mean!, this.#square!, this.#frames]
    const mean = Float32Array.from(sum, (value) => value / frames)
    return {
      mean,
      variance: Float32Array.from(square, (value, at) =>
        Math.max(0, value / frames - (sum[at]! / frames) ** 2),
      ),
    }
  }

  /** Those of all, and begins anew. */
  take(): Moments {
    const { moments } = this
    this.#mean = undefined
    this.#square = undefined
    this.#frames = 0
    return moments
  }
}
