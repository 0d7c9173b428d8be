import type { EnvironmentPolicy } from '../env/environment-policy.ts'
import { policyError } from '../errors.ts'
import { type GuardOptions, PolicyGuard, type ServeCounts } from './policy-guard.ts'

export interface GuardedOptions<Observation> extends GuardOptions<Observation> {
  readonly policy: EnvironmentPolicy<Observation>
  /** Decides where the policy cannot: greedy-ω of the same environment. */
  readonly fallback: EnvironmentPolicy<Observation>
}

/**
 * A policy that can be put in a frame's way. It never throws: where the policy throws, names an action that is not valid, is shown
 * an observation of another form or one unlike its training, the fallback decides; a preference that is not sound is replaced by
 * the last sound one, or an even one. Each is counted.
 */
export class GuardedPolicy<Observation> implements EnvironmentPolicy<Observation> {
  readonly name: string
  private readonly guard: PolicyGuard<Observation>
  private readonly fallback: EnvironmentPolicy<Observation>

  /** Throws IsthmusError `BAD_OPTION` that names the field. */
  constructor({ policy, fallback, ...options }: GuardedOptions<Observation>) {
    this.guard = new PolicyGuard(policy, options)
    if (typeof fallback?.act !== 'function')
      throw policyError('BAD_OPTION', 'fallback: it has no function act')
    this.fallback = fallback
    this.name = policy.name
  }

  get evaluations(): number {
    return this.guard.policy.evaluations + this.fallback.evaluations
  }

  /** Live: the same object grows. */
  get counts(): ServeCounts {
    return this.guard.counts
  }

  /** What policy or fallback threw last. */
  get lastError(): unknown {
    return this.guard.lastError
  }

  begin(seed: number): void {
    this.guard.begin(seed)
    try {
      this.fallback.begin(seed)
    } catch (error) {
      this.guard.lastError = error
      this.guard.noteFailedFallback()
    }
  }

  act(observation: Observation, weights: ArrayLike<number>): number {
    const { guard } = this
    const action = guard.act(observation, weights)
    if (action >= 0) return action
    try {
      const instead = this.fallback.act(observation, guard.weights.values)
      if (guard.isValid(observation, instead)) return instead
    } catch (error) {
      guard.lastError = error
    }
    guard.noteFailedFallback()
    return guard.firstValid(observation)
  }
}
