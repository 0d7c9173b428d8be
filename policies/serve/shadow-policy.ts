import type { EnvironmentPolicy } from '../env/environment-policy.ts'
import { policyError } from '../errors.ts'

/** What the policy did and what its shadow would have done. The same object each time: copy what is to be kept. */
export interface ShadowDecision {
  /** Number of the decision, from 0; those between were not sampled. */
  readonly decision: number
  readonly action: number
  readonly shadowAction: number
  /**
   * Expected cost of the shadow's action less that of the action taken, below 0 where the shadow thinks to do better: from
   * `costOf`, else in the scores of the shadow, else of the policy. NaN where there is none of them.
   */
  readonly costDifference: number
}

export interface ShadowOptions<Observation> {
  /** Decides. */
  readonly policy: EnvironmentPolicy<Observation>
  /** Is only asked. */
  readonly shadow: EnvironmentPolicy<Observation>
  /** The shadow is asked at every so many decisions. Default: 1. */
  readonly every?: number
  /** Told of each decision that was sampled. */
  readonly onDecision: (decision: ShadowDecision) => void
  /** What an action is expected to cost, such as `placementCost`. */
  readonly costOf?: (observation: Observation, action: number, weights: ArrayLike<number>) => number
}

/** A policy that scores candidates, higher is better, as `LearnedPolicy` does. */
interface Scoring {
  readonly scores?: ArrayLike<number>
}

/**
 * Does what `policy` says, and notes what `shadow` would have done: how a new policy is tried before it is trusted. Whatever goes
 * wrong in the shadow, in `costOf` or in `onDecision` is counted and never reaches the decision. What `policy` throws is thrown.
 */
export class ShadowPolicy<Observation> implements EnvironmentPolicy<Observation> {
  readonly name: string
  /** Decisions for which the shadow was asked, those of them in which it agreed, and those in which something failed. */
  readonly counts = { decisions: 0, sampled: 0, agreed: 0, failed: 0 }
  /** What went wrong last. */
  lastError: unknown
  private readonly options: ShadowOptions<Observation>
  private readonly every: number
  private readonly record = { decision: 0, action: 0, shadowAction: 0, costDifference: NaN }

  /** Throws IsthmusError `BAD_OPTION` that names the field. */
  constructor(options: ShadowOptions<Observation>) {
    const { policy, shadow, every = 1, onDecision } = options
    for (const [field, value] of Object.entries({ policy, shadow })) {
      if (typeof value?.act !== 'function')
        throw policyError('BAD_OPTION', `${field}: it has no function act`)
    }
    if (!Number.isInteger(every) || every < 1) {
      throw policyError('BAD_OPTION', `every: ${every} is no whole number of at least 1`)
    }
    if (typeof onDecision !== 'function') throw policyError('BAD_OPTION', 'onDecision: it must be a function')
    this.options = options
    this.every = every
    this.name = policy.name
  }

  /** The policy's own: the shadow's are not on its account. */
  get evaluations(): number {
    return this.options.policy.evaluations
  }

  begin(seed: number): void {
    const { policy, shadow } = this.options
    policy.begin(seed)
    try {
      shadow.begin(seed)
    } catch (error) {
      this.fail(error)
    }
  }

  act(observation: Observation, weights: ArrayLike<number>): number {
    const { counts } = this
    const action = this.options.policy.act(observation, weights)
    const decision = counts.decisions++
    if (decision % this.every === 0) this.compare(decision, observation, weights, action)
    return action
  }

  private compare(
    decision: number,
    observation: Observation,
    weights: ArrayLike<number>,
    action: number,
  ): void {
    const { counts, record } = this
    const { shadow, onDecision } = this.options
    counts.sampled++
    try {
      const shadowAction = shadow.act(observation, weights)
      if (shadowAction === action) counts.agreed++
      record.decision = decision
      record.action = action
      record.shadowAction = shadowAction
      record.costDifference = this.difference(observation, weights, action, shadowAction)
      onDecision(record)
    } catch (error) {
      this.fail(error)
    }
  }

  private difference(
    observation: Observation,
    weights: ArrayLike<number>,
    action: number,
    shadowAction: number,
  ): number {
    const { costOf, shadow, policy } = this.options
    if (costOf) return costOf(observation, shadowAction, weights) - costOf(observation, action, weights)
    const scores = (shadow as Scoring).scores ?? (policy as Scoring).scores
    return scores ? scores[action]! - scores[shadowAction]! : NaN
  }

  private fail(error: unknown): void {
    this.counts.failed++
    this.lastError = error
  }
}
