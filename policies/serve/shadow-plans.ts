import { policyError } from '../errors.ts'
import type { Observation, Plan, Policy } from '../plan.ts'

/** A device's plan and what its shadow would have planned. */
export interface ShadowPlan {
  /** Number of the decision, from 0; those between were not sampled. */
  readonly decision: number
  readonly plan: Plan
  readonly shadowPlan: Plan
}

export interface ShadowPlansOptions {
  /** Decides. */
  readonly policy: Policy
  /** Is only asked. Where it keeps count of the modes it chose, it believes that its plans were carried out. */
  readonly shadow: Policy
  /** The shadow is asked at every so many decisions. Default: 1. */
  readonly every?: number
  /** Told of each decision that was sampled. */
  readonly onDecision: (decision: ShadowPlan) => void
}

/**
 * `ShadowPolicy` for a device: plans are `policy`'s, and `onDecision` hears what `shadow` would have planned. Whatever goes wrong there is
 * counted and never reaches the plan.
 */
export class ShadowPlans implements Policy {
  readonly counts = { decisions: 0, sampled: 0, agreed: 0, failed: 0 }
  /** What went wrong last. */
  lastError: unknown
  readonly #options: ShadowPlansOptions
  readonly #every: number

  /** Throws IsthmusError `BAD_OPTION` that names the field. */
  constructor(options: ShadowPlansOptions) {
    const { policy, shadow, every = 1, onDecision } = options
    for (const [field, value] of Object.entries({ policy, shadow })) {
      if (typeof value?.decide !== 'function') {
        throw policyError('BAD_OPTION', `${field}: it has no function decide`)
      }
    }
    if (!Number.isInteger(every) || every < 1) {
      throw policyError('BAD_OPTION', `every: ${every} is no whole number of at least 1`)
    }
    if (typeof onDecision !== 'function') throw policyError('BAD_OPTION', 'onDecision: it must be a function')
    this.#options = options
    this.#every = every
  }

  decide(observation: Observation): Plan {
    const { counts } = this
    const { policy, shadow, onDecision } = this.#options
    const plan = policy.decide(observation)
    const decision = counts.decisions++
    if (decision % this.#every !== 0) return plan
    counts.sampled++
    try {
      const shadowPlan = shadow.decide(observation)
      if (shadowPlan.mode === plan.mode) counts.agreed++
      onDecision({ decision, plan, shadowPlan })
    } catch (error) {
      counts.failed++
      this.lastError = error
    }
    return plan
  }
}
