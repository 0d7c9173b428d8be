import { EigenvalueDecomposition, Matrix } from 'ml-matrix'
import { bottleneckError } from '../errors.ts'

/** Places of one map that are looked at, evenly spread: those beside each other say nearly the same. */
const PLACES = 64

/** The directions in which the channels of a map vary most. */
export interface Transform {
  /** Of each channel. */
  readonly mean: Float64Array
  /** [directions, channels], orthonormal, most variance first. */
  readonly basis: Float32Array
  /** Along each direction. */
  readonly variances: readonly number[]
  /** Share of all variance that lies along the directions, 0 to 1. */
  readonly kept: number
  /** No value was below zero. */
  readonly positive: boolean
}

/**
 * How the channels of feature maps vary together, over many maps: what the Karhunen-Loève transform is made of, the linear map behind
 * which channels are uncorrelated and the first ones say most.
 */
export class MapStatistics {
  readonly #channels: number
  readonly #sums: Float64Array
  readonly #products: Float64Array
  readonly #values: Float64Array
  #count = 0
  #positive = true

  constructor(channels: number) {
    this.#channels = channels
    this.#sums = new Float64Array(channels)
    this.#products = new Float64Array(channels * channels)
    this.#values = new Float64Array(channels)
  }

  /** Takes in one map [channels, places]. Throws NOT_A_CLASSIFIER for NaN or infinity. */
  add(map: Float32Array): void {
    const channels = this.#channels
    const places = map.length / channels
    const step = Math.max(1, Math.floor(places / PLACES))
    const values = this.#values
    for (let place = 0; place < places; place += step) {
      for (let channel = 0; channel < channels; channel++) {
        const value = map[channel * places + place]!
        if (!Number.isFinite(value))
          throw bottleneckError('NOT_A_CLASSIFIER', "The teacher's values at the cut are NaN or infinity.")
        if (value < 0) this.#positive = false
        values[channel] = value
        this.#sums[channel]! += value
      }
      for (let row = 0; row < channels; row++) {
        const value = values[row]!
        if (value === 0) continue
        const begin = row * channels
        for (let column = 0; column <= row; column++)
          this.#products[begin + column]! += value * values[column]!
      }
      this.#count++
    }
  }

  /** The first `directions` of them. */
  transform(directions: number): Transform {
    const channels = this.#channels
    const mean = this.#sums.map((sum) => sum / this.#count)
    const covariance = new Matrix(channels, channels)
    for (let row = 0; row < channels; row++) {
      for (let column = 0; column <= row; column++) {
        const value = this.#products[row * channels + column]! / this.#count - mean[row]! * mean[column]!
        covariance.set(row, column, value)
        covariance.set(column, row, value)
      }
    }
    const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(covariance, {
      assumeSymmetric: true,
    })
    const order = realEigenvalues.map((_, at) => at).sort((a, b) => realEigenvalues[b]! - realEigenvalues[a]!)
    const first = order.slice(0, directions)
    const variances = first.map((at) => Math.max(0, realEigenvalues[at]!))
    const basis = new Float32Array(first.length * channels)
    for (const [row, at] of first.entries()) {
      for (let channel = 0; channel < channels; channel++)
        basis[row * channels + channel] = eigenvectorMatrix.get(channel, at)
    }
    const all = realEigenvalues.reduce((sum, value) => sum + Math.max(0, value), 0)
    const kept = all > 0 ? variances.reduce((sum, value) => sum + value, 0) / all : 1
    return { mean, basis, variances, kept, positive: this.#positive }
  }
}
