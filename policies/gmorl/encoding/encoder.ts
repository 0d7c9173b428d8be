import type { CandidateEncoding } from './candidate-encoding.ts'
import { weigh } from './preference.ts'

/** One observation as numbers under one preference, in arrays that are used again. */
export class Encoder<Observation> {
  readonly encoding: CandidateEncoding<Observation>
  /** `[candidates, rowLength]` of the last observation. */
  readonly rows: Float32Array
  /** `[contextLength]` of the last observation. */
  readonly context: Float32Array

  /** @param most candidates that an observation may have */
  constructor(encoding: CandidateEncoding<Observation>, most: number) {
    this.encoding = encoding
    this.rows = new Float32Array(most * encoding.rowLength)
    this.context = new Float32Array(encoding.contextLength)
  }

  /** Returns how many candidates there are. */
  encode(observation: Observation, weights: ArrayLike<number>): number {
    const { encoding, rows, context } = this
    const candidates = encoding.encode(observation, rows, 0, context, 0)
    weigh(weights, candidates, rows, 0, encoding.rowLength, context, 0)
    return candidates
  }
}
