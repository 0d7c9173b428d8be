import { policyError } from '../errors.ts'

/** Chooses the actions in an environment, by rule or as it has learnt. May hold state, does no I/O. */
export interface EnvironmentPolicy<Observation> {
  readonly name: string
  /** Candidate actions whose cost has been worked out so far, in imagined futures as well; 0 for rules that need none. */
  readonly evaluations: number
  /** A new episode begins; chance, where the policy has any, follows from `seed` alone. */
  begin(seed: number): void
  /**
   * An action that is valid now.
   *
   * @param weights ω, one for each objective of the environment, as {@link checkWeights} wants them
   */
  act(observation: Observation, weights: ArrayLike<number>): number
}

/** Throws IsthmusError `BAD_PREFERENCE` unless `weights` are `objectives` numbers from 0 to 1 with sum 1 (to 1e-6). */
export function checkWeights(weights: ArrayLike<number>, objectives: number): void {
  if (weights?.length !== objectives) {
    throw policyError(
      'BAD_PREFERENCE',
      `preference: ${weights?.length ?? 'no'} weights for ${objectives} objectives`,
    )
  }
  let sum = 0
  for (let at = 0; at < objectives; at++) {
    const weight = weights[at]!
    if (!(weight >= 0 && weight <= 1)) {
      throw policyError('BAD_PREFERENCE', `preference: weight ${at} is ${weight}, not from 0 to 1`)
    }
    sum += weight
  }
  if (Math.abs(sum - 1) > 1e-6)
    throw policyError('BAD_PREFERENCE', `preference: the weights sum to ${sum}, not 1`)
}
