import { addProduct } from '../../products.ts'
import type { SetNetworkShape, SetNetworkWeights } from './set-network-shape.ts'

/**
 * Runs a set network for one observation on the caller's thread, without a runtime and without allocating: a decision must be
 * there at once. Zeros among the inputs, most of a histogram, cost nothing.
 */
export class SetScorer {
  readonly shape: SetNetworkShape
  readonly #weights: Record<string, Float32Array>
  readonly #about: Float32Array
  readonly #pooled: Float32Array
  readonly #shared: Float32Array
  readonly #second: Float32Array
  #first = new Float32Array(0)

  constructor(shape: SetNetworkShape, weights: SetNetworkWeights) {
    this.shape = shape
    this.#weights = Object.fromEntries(weights)
    this.#about = new Float32Array(shape.hidden)
    this.#pooled = new Float32Array(shape.hidden)
    this.#shared = new Float32Array(shape.hidden)
    this.#second = new Float32Array(shape.hidden)
  }

  /**
   * @param rows `[candidates, rowLength]`
   * @param context `[contextLength]`
   * @param scores `[candidates, outputs]`, written
   */
  score(rows: Float32Array, context: Float32Array, candidates: number, scores: Float32Array): void {
    const { rowLength, contextLength, hidden, outputs } = this.shape
    const weights = this.#weights
    const about = this.#about
    const pooled = this.#pooled
    if (this.#first.length < candidates * hidden) this.#first = new Float32Array(candidates * hidden)
    const first = this.#first
    about.set(weights['first.bias']!)
    addProduct(context, 0, contextLength, weights['context.weight']!, about, 0, hidden)
    pooled.fill(0)
    for (let candidate = 0; candidate < candidates; candidate++) {
      const at = candidate * hidden
      first.set(about, at)
      addProduct(rows, candidate * rowLength, rowLength, weights['rows.weight']!, first, at, hidden)
      for (let unit = 0; unit < hidden; unit++) {
        const value = first[at + unit]!
        if (value > 0) pooled[unit]! += value
        else first[at + unit] = 0
      }
    }
    for (let unit = 0; unit < hidden; unit++) pooled[unit]! /= candidates
    const shared = this.#shared
    shared.set(weights['second.bias']!)
    addProduct(pooled, 0, hidden, weights['pooled.weight']!, shared, 0, hidden)
    const second = this.#second
    const output = weights['output.weight']!
    const skip = weights['skip.weight']!
    for (let candidate = 0; candidate < candidates; candidate++) {
      second.set(shared)
      addProduct(first, candidate * hidden, hidden, weights['second.weight']!, second, 0, hidden)
      for (let unit = 0; unit < hidden; unit++) if (!(second[unit]! > 0)) second[unit] = 0
      const at = candidate * outputs
      for (let one = 0; one < outputs; one++) scores[at + one] = weights['output.bias']![one]!
      addProduct(second, 0, hidden, output, scores, at, outputs)
      addProduct(rows, candidate * rowLength, rowLength, skip, scores, at, outputs)
    }
  }
}
