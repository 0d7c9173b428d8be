import type { EnvironmentPolicy } from '../env/index.ts'
import type { CandidateEncoding } from './candidate-encoding.ts'
import { Encoder } from './encoder.ts'
import type { SetNetworkShape, SetNetworkWeights } from './set-network.ts'
import { SetScorer } from './set-scorer.ts'

/** Candidates that a policy takes at most. */
export const MOST_CANDIDATES = 256

/** The candidate that a trained network scores highest under the preference it is given. Allocates nothing. */
export class LearnedPolicy<Observation> implements EnvironmentPolicy<Observation> {
  readonly name: string
  readonly evaluations = 0
  /** Scores of the last observation's candidates, in units of weighted cost; −∞ for those that may not be taken. */
  readonly scores = new Float32Array(MOST_CANDIDATES)
  private readonly encoder: Encoder<Observation>
  private readonly scorer: SetScorer

  constructor(
    encoding: CandidateEncoding<Observation>,
    shape: SetNetworkShape,
    weights: SetNetworkWeights,
    name = 'gmorl',
  ) {
    this.name = name
    this.encoder = new Encoder(encoding, MOST_CANDIDATES)
    this.scorer = new SetScorer(shape, weights)
  }

  begin(): void {}

  act(observation: Observation, weights: ArrayLike<number>): number {
    const { encoder, scores } = this
    const candidates = encoder.encode(observation, weights)
    this.scorer.score(encoder.rows, encoder.context, candidates, scores)
    const { encoding } = encoder
    let best = 0
    for (let candidate = 0; candidate < candidates; candidate++) {
      if (encoding.allowed?.(observation, candidate) === false) scores[candidate] = -Infinity
      if (scores[candidate]! > scores[best]!) best = candidate
    }
    return best
  }
}
