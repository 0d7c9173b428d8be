import type { Tensor } from '@isthmus/models/runtime'
import type { RandomStream } from '../../env/index.ts'
import type { CandidateEncoding } from '../encoding/candidate-encoding.ts'
import type { Labels } from './labels.ts'

/** The labels collected last, up to a number of states, and batches drawn from them. */
export class LabelBatches {
  readonly #encoding: Pick<CandidateEncoding<never>, 'rowLength' | 'contextLength'>
  readonly #places: number
  readonly #most: number
  readonly #sets: { labels: Labels; firstRow: Int32Array }[] = []
  /** States that are there. */
  size = 0

  constructor(
    encoding: Pick<CandidateEncoding<never>, 'rowLength' | 'contextLength'>,
    places: number,
    most: number,
  ) {
    this.#encoding = encoding
    this.#places = places
    this.#most = most
  }

  /** Adds labels, and drops the oldest sets when there are too many. */
  add(labels: Labels): void {
    const firstRow = new Int32Array(labels.candidates.length)
    let row = 0
    for (const [state, candidates] of labels.candidates.entries()) {
      firstRow[state] = row
      row += candidates
    }
    this.#sets.push({ labels, firstRow })
    this.size += labels.candidates.length
    while (this.#sets.length > 1 && this.size > this.#most) {
      this.size -= this.#sets.shift()!.labels.candidates.length
    }
  }

  /** `states` random states: rows, context, mask of the places taken, values, and which have one. */
  draw(
    random: RandomStream,
    states: number,
  ): Record<'rows' | 'context' | 'mask' | 'values' | 'valued', Tensor<'float32'>> {
    const { rowLength, contextLength } = this.#encoding
    const places = this.#places
    const rows = new Float32Array(states * places * rowLength)
    const context = new Float32Array(states * contextLength)
    const mask = new Float32Array(states * places)
    const values = new Float32Array(states * places)
    const valued = new Float32Array(states * places)
    for (let at = 0; at < states; at++) {
      let state = random.below(this.size)
      let set = 0
      while (state >= this.#sets[set]!.labels.candidates.length) {
        state -= this.#sets[set++]!.labels.candidates.length
      }
      const { labels, firstRow } = this.#sets[set]!
      const candidates = labels.candidates[state]!
      const first = firstRow[state]!
      rows.set(
        labels.rows.subarray(first * rowLength, (first + candidates) * rowLength),
        at * places * rowLength,
      )
      context.set(
        labels.context.subarray(state * contextLength, (state + 1) * contextLength),
        at * contextLength,
      )
      mask.fill(1, at * places, at * places + candidates)
      for (let candidate = 0; candidate < candidates; candidate++) {
        const value = labels.values[first + candidate]!
        if (Number.isNaN(value)) continue
        values[at * places + candidate] = value
        valued[at * places + candidate] = 1
      }
    }
    return {
      rows: { dtype: 'float32', dims: [states, places, rowLength], data: rows },
      context: { dtype: 'float32', dims: [states, contextLength], data: context },
      mask: { dtype: 'float32', dims: [states, places], data: mask },
      values: { dtype: 'float32', dims: [states, places], data: values },
      valued: { dtype: 'float32', dims: [states, places], data: valued },
    }
  }
}
