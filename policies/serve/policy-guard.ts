import type { EnvironmentPolicy } from '../env/environment-policy.ts'
import { policyError } from '../errors.ts'
import type { DistributionCheck } from './seen-check.ts'
import { SoundWeights } from './sound-weights.ts'

/** Why a decision was not the guarded policy's own. */
export type FallbackReason = 'otherVersion' | 'unseen' | 'threw' | 'badAction'

/** What a guard has counted. */
export type ServeCounts = Readonly<
  Record<
    /** All decisions, and those that the fallback took: the sum over the reasons. */
    | 'decisions'
    | 'fallbacks'
    | FallbackReason
    /** Preferences that were not sound; the last sound one was used in their place. */
    | 'badPreference'
    /** Decisions for which the fallback failed as well. */
    | 'fallbackFailed',
    number
  >
>

export interface GuardOptions<Observation, Given = Observation> {
  /** How many weights a preference has. */
  readonly objectives: number
  /** Form of the observations that the policy was made for; left out: not looked at. */
  readonly observationVersion?: string | undefined
  /** How many actions there are: 0 to one less. */
  readonly actionsOf: (observation: Given) => number
  /** Which of them are valid now; left out: all. */
  readonly isValid?: ((observation: Given, action: number) => boolean) | undefined
  /** Makes the policy's observation of the one that is given; left out: they are the same. */
  readonly observe?: ((observation: Given) => Observation) | undefined
  /** Left out: nothing counts as unseen. */
  readonly check?: DistributionCheck<Observation> | undefined
}

/**
 * Asks a policy and looks at what it says: the part that {@link GuardedPolicy} and a served device policy share. Throws nothing, and
 * allocates nothing of its own.
 */
export class PolicyGuard<Observation, Given = Observation> {
  readonly policy: EnvironmentPolicy<Observation>
  /** The preference that the last decision was taken by. */
  readonly weights: SoundWeights
  /** Why the last decision was refused; undefined when it was not. */
  reason: FallbackReason | undefined
  /** What the policy threw last. */
  lastError: unknown
  private readonly options: GuardOptions<Observation, Given>
  private readonly tally = {
    decisions: 0,
    fallbacks: 0,
    otherVersion: 0,
    unseen: 0,
    threw: 0,
    badAction: 0,
    badPreference: 0,
    fallbackFailed: 0,
  }

  /** Throws IsthmusError `BAD_OPTION` that names the field. */
  constructor(policy: EnvironmentPolicy<Observation>, options: GuardOptions<Observation, Given>) {
    const { objectives, actionsOf } = options
    if (typeof policy?.act !== 'function') throw policyError('BAD_OPTION', 'policy: it has no function act')
    if (!Number.isInteger(objectives) || objectives < 1) {
      throw policyError('BAD_OPTION', `objectives: ${objectives} is no number of weights`)
    }
    if (typeof actionsOf !== 'function') throw policyError('BAD_OPTION', 'actionsOf: it must be a function')
    this.policy = policy
    this.options = options
    this.weights = new SoundWeights(objectives)
  }

  /** Live: the same object grows. */
  get counts(): ServeCounts {
    return this.tally
  }

  begin(seed: number): void {
    try {
      this.policy.begin(seed)
    } catch (error) {
      this.lastError = error
      this.tally.threw++
    }
  }

  /** The policy's action, or −1: {@link reason} says why it cannot be taken, and {@link weights} by what to decide instead. */
  act(observation: Given, weights: ArrayLike<number> | null | undefined): number {
    const { tally } = this
    tally.decisions++
    this.weights.take(weights)
    tally.badPreference = this.weights.refused
    const action = this.ask(observation)
    if (this.reason !== undefined) {
      tally.fallbacks++
      tally[this.reason]++
    }
    return action
  }

  noteFailedFallback(): void {
    this.tally.fallbackFailed++
  }

  /** What is left when the fallback has failed as well: the first valid action. */
  firstValid(observation: Given): number {
    try {
      const actions = this.options.actionsOf(observation)
      for (let action = 0; action < actions; action++) if (this.isValid(observation, action)) return action
    } catch (error) {
      this.lastError = error
    }
    return 0
  }

  isValid(observation: Given, action: number): boolean {
    const { actionsOf, isValid } = this.options
    if (!Number.isInteger(action) || action < 0 || action >= actionsOf(observation)) return false
    return isValid === undefined || isValid(observation, action)
  }

  private ask(given: Given): number {
    const { observationVersion, check, observe } = this.options
    const weights = this.weights.values
    this.reason = undefined
    try {
      const observation = observe ? observe(given) : (given as unknown as Observation)
      if (observationVersion !== undefined && versionOf(observation) !== observationVersion) {
        return this.refuse('otherVersion')
      }
      if (check?.isUnseen(observation, weights)) return this.refuse('unseen')
      const action = this.policy.act(observation, weights)
      return this.isValid(given, action) ? action : this.refuse('badAction')
    } catch (error) {
      this.lastError = error
      return this.refuse('threw')
    }
  }

  private refuse(reason: FallbackReason): -1 {
    this.reason = reason
    return -1
  }
}

const versionOf = (observation: unknown): unknown =>
  (observation as { readonly version?: unknown } | null | undefined)?.version
