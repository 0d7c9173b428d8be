import { policyError } from '../errors.ts'
import type { CandidateEncoding } from '../gmorl/encoding/candidate-encoding.ts'
import { Encoder } from '../gmorl/encoding/encoder.ts'
import { MOST_CANDIDATES } from '../gmorl/network/learned-policy.ts'
import type { FeatureRange } from '../gmorl/network/policy-manifest.ts'

/** Says whether a policy is asked about something unlike what it was made for. Allocates nothing, for it runs for each decision. */
export interface DistributionCheck<Observation> {
  /** @param weights ω, sound */
  isUnseen(observation: Observation, weights: ArrayLike<number>): boolean
}

/** How far beyond what training saw a feature may lie, as a share of the span that it had there. */
const SLACK = 0.5
/** A feature that never changed in training may differ by what rounding does. */
const ROUNDING = 1e-5

/**
 * Unseen is an observation of which any feature lies beyond its range in training by more than half of that range's span, is not
 * finite, or that has more candidates than a policy takes.
 *
 * Throws IsthmusError `BAD_POLICY` when the ranges are not those of `encoding`.
 *
 * @param seen as in a policy's manifest
 */
export class SeenCheck<Observation> implements DistributionCheck<Observation> {
  private readonly encoder: Encoder<Observation>
  private readonly rows: Bounds
  private readonly context: Bounds
  private part = ''
  private feature = -1

  constructor(
    encoding: CandidateEncoding<Observation>,
    seen: { readonly rows: FeatureRange; readonly context: FeatureRange },
  ) {
    this.encoder = new Encoder(encoding, MOST_CANDIDATES)
    this.rows = boundsOf('rows', seen.rows, encoding.rowLength)
    this.context = boundsOf('context', seen.context, encoding.contextLength)
  }

  /** The feature that made the last observation unseen, such as `rows[3]`; empty when none did. */
  get where(): string {
    return this.feature < 0 ? this.part : `${this.part}[${this.feature}]`
  }

  isUnseen(observation: Observation, weights: ArrayLike<number>): boolean {
    const { encoder } = this
    const candidates = encoder.encode(observation, weights)
    this.feature = -1
    this.part = 'candidates'
    if (!(candidates >= 1 && candidates <= MOST_CANDIDATES)) return true
    this.part = 'context'
    this.feature = firstBeyond(encoder.context, 0, this.context)
    if (this.feature >= 0) return true
    this.part = 'rows'
    const { rowLength } = encoder.encoding
    for (let at = 0; at < candidates * rowLength; at += rowLength) {
      this.feature = firstBeyond(encoder.rows, at, this.rows)
      if (this.feature >= 0) return true
    }
    this.part = ''
    return false
  }
}

/** Least and greatest value of each feature that passes. */
interface Bounds {
  readonly low: Float64Array
  readonly high: Float64Array
}

function boundsOf(part: string, { low, high }: FeatureRange, length: number): Bounds {
  if (low.length !== length || high.length !== length) {
    const got = `${low.length} and ${high.length} values`
    throw policyError('BAD_POLICY', `seen.${part}: ${got} for an encoding of ${length}`)
  }
  const bounds = { low: new Float64Array(length), high: new Float64Array(length) }
  for (let at = 0; at < length; at++) {
    const [least, most] = [low[at]!, high[at]!]
    if (!(Number.isFinite(least) && Number.isFinite(most) && least <= most)) {
      throw policyError('BAD_POLICY', `seen.${part}: feature ${at} goes from ${least} to ${most}`)
    }
    const slack = Math.max(SLACK * (most - least), ROUNDING * Math.max(1, Math.abs(least), Math.abs(most)))
    bounds.low[at] = least - slack
    bounds.high[at] = most + slack
  }
  return bounds
}

/** Written so that NaN is beyond, too. */
function firstBeyond(values: Float32Array, from: number, { low, high }: Bounds): number {
  for (let at = 0; at < low.length; at++) {
    const value = values[from + at]!
    if (!(value >= low[at]! && value <= high[at]!)) return at
  }
  return -1
}
