import type { EnvironmentPolicy } from '../../env/index.ts'
import { policyError } from '../../errors.ts'
import type { CandidateEncoding } from '../encoding/candidate-encoding.ts'
import { Encoder } from '../encoding/encoder.ts'
import { checkNetwork, type SetNetworkShape, type SetNetworkWeights } from './set-network-shape.ts'
import { SetScorer } from './set-scorer.ts'

/** Candidates that a policy takes at most. */
export const MOST_CANDIDATES = 256

/**
 * The candidate that a trained network scores highest under the preference it is given; of a network that values each objective
 * (Envelope Q), the one of the highest weighted value. Allocates nothing.
 *
 * `act` throws IsthmusError `BAD_OBSERVATION` for no candidates, more than {@link MOST_CANDIDATES}, or what is not finite.
 */
export class LearnedPolicy<Observation> implements EnvironmentPolicy<Observation> {
  readonly name: string
  readonly evaluations = 0
  /** Scores of the last observation's candidates, in units of weighted cost; −∞ for those that may not be taken. */
  readonly scores = new Float32Array(MOST_CANDIDATES)
  private readonly encoder: Encoder<Observation>
  private readonly scorer: SetScorer
  private readonly values: Float32Array

  /** Throws IsthmusError `BAD_POLICY` for a network of other sizes than the encoding's, or weights that are not finite. */
  constructor(
    encoding: CandidateEncoding<Observation>,
    shape: SetNetworkShape,
    weights: SetNetworkWeights,
    name = 'gmorl',
  ) {
    checkShape(encoding, shape)
    checkNetwork(shape, weights)
    this.name = name
    this.encoder = new Encoder(encoding, MOST_CANDIDATES)
    this.scorer = new SetScorer(shape, weights)
    this.values = shape.outputs === 1 ? this.scores : new Float32Array(MOST_CANDIDATES * shape.outputs)
  }

  begin(): void {}

  act(observation: Observation, weights: ArrayLike<number>): number {
    const { encoder, scores, values } = this
    const candidates = encoder.encode(observation, weights)
    this.check(candidates)
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

  /** The network's rectifiers would take NaN for 0, and an array that is too short would swallow candidates. */
  private check(candidates: number): void {
    if (!(candidates >= 1 && candidates <= MOST_CANDIDATES)) {
      throw policyError(
        'BAD_OBSERVATION',
        `candidates: ${candidates}; a policy takes 1 to ${MOST_CANDIDATES}`,
      )
    }
    const { rows, context, encoding } = this.encoder
    let sum = 0
    for (let at = 0; at < context.length; at++) sum += context[at]!
    for (let at = 0; at < candidates * encoding.rowLength; at++) sum += rows[at]!
    if (!Number.isFinite(sum)) {
      throw policyError('BAD_OBSERVATION', 'observation: what the policy sees of it is not finite')
    }
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

/** Throws IsthmusError `BAD_POLICY` that names the size of a network that is not the encoding's. */
export function checkShape(
  { version, rowLength, contextLength, objectives }: CandidateEncoding<never>,
  shape: SetNetworkShape,
): void {
  const bad = (field: keyof SetNetworkShape, wanted: string) =>
    policyError('BAD_POLICY', `shape.${field} is ${shape[field]}, but ${version} has ${wanted}`)
  if (shape.rowLength !== rowLength) throw bad('rowLength', String(rowLength))
  if (shape.contextLength !== contextLength) throw bad('contextLength', String(contextLength))
  if (shape.outputs !== 1 && shape.outputs !== objectives) throw bad('outputs', `1 or ${objectives}`)
}
