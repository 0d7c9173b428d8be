import type { EnvironmentPolicy } from '../env/index.ts'
import type { CandidateEncoding } from './candidate-encoding.ts'
import { Encoder } from './encoder.ts'
import type { SetNetworkShape, SetNetworkWeights } from './set-network.ts'
import { SetScorer } from './set-scorer.ts'

/** Candidates that a policy takes at most. */
export const MOST_CANDIDATES = 256

/**
 * The candidate that a trained network scores highest under the preference it is given; of a network that values each objective
 * (Envelope Q), the one of the highest weighted value. Allocates nothing.
 */
export class LearnedPolicy<Observation> implements EnvironmentPolicy<Observation> {
  readonly name: string
  readonly evaluations = 0
  /** Scores of the last observation's candidates, in units of weighted cost; −∞ for those that may not be taken. */
  readonly scores = new Float32Array(MOST_CANDIDATES)
  private readonly encoder: Encoder<Observation>
  private readonly scorer: SetScorer
  private readonly values: Float32Array

  constructor(
    encoding: CandidateEncoding<Observation>,
    shape: SetNetworkShape,
    weights: SetNetworkWeights,
    name = 'gmorl',
  ) {
    this.name = name
    this.encoder = new Encoder(encoding, MOST_CANDIDATES)
    this.scorer = new SetScorer(shape, weights)
    this.values = shape.outputs === 1 ? this.scores : new Float32Array(MOST_CANDIDATES * shape.outputs)
  }

  begin(): void {}

  act(observation: Observation, weights: ArrayLike<number>): number {
    const { encoder, scores, values } = this
    const candidates = encoder.encode(observation, weights)
    this.scorer.score(encoder.rows, encoder.context, candidates, values)
    if (values !== scores) this.weigh(candidates)
    const { encoding } = encoder
    let best = 0
    for (let candidate = 0; candidate < candidates; candidate++) {
      if (encoding.allowed?.(observation, candidate) === false) scores[candidate] = -Infinity
      if (scores[candidate]! > scores[best]!) best = candidate
    }
    return best
  }

  /** {@link scores} of an observation, overwritten by the next. */
  scoresOf(observation: Observation, weights: ArrayLike<number>): Float32Array {
    this.act(observation, weights)
    return this.scores
  }

  /** Scores from values of objectives, by the shares in the context. */
  private weigh(candidates: number): void {
    const { scores, values, encoder } = this
    const { objectives } = encoder.encoding
    for (let candidate = 0; candidate < candidates; candidate++) {
      let score = 0
      for (let objective = 0; objective < objectives; objective++) {
        score += encoder.context[objectives + objective]! * values[candidate * objectives + objective]!
      }
      scores[candidate] = score
    }
  }
}
