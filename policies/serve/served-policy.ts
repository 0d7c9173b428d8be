import { arrivalTime } from '../arrival.ts'
import type { EnvironmentPolicy } from '../env/environment-policy.ts'
import { policyError } from '../errors.ts'
import { measuredCostController } from '../measured-cost-controller.ts'
import type { Observation, Plan, Policy } from '../plan.ts'
import { isUsable, planFor } from '../prospect.ts'
import { DEVICE_OBJECTIVES, writeDeviceWeights } from './device-weights.ts'
import { PolicyGuard, type ServeCounts } from './policy-guard.ts'
import type { DistributionCheck } from './seen-check.ts'

export interface ServedOptions<Seen> {
  /** Decides where the policy cannot. Default: `measuredCostController()`. */
  readonly fallback?: Policy
  /** Makes what the policy looks at of what the device knows; its actions still count the device's modes. Default: as it is. */
  readonly observe?: (observation: Observation) => Seen
  /** Form of the observations that the policy was made for; left out: not looked at. */
  readonly observationVersion?: string
  /** Left out: nothing counts as unseen. */
  readonly check?: DistributionCheck<Seen>
}

/**
 * A policy of an environment as a device's: action a means entry a of the observation's `modes`, and the preference becomes ω of
 * delay, energy and error. Guarded as `GuardedPolicy` is; the plan says when and why the fallback decided.
 *
 * Throws IsthmusError `BAD_OPTION` that names the field.
 */
export function fromEnvironmentPolicy<Seen = Observation>(
  policy: EnvironmentPolicy<Seen>,
  options: ServedOptions<Seen> = {},
): ServedPolicy<Seen> {
  return new ServedPolicy(policy, options)
}

export class ServedPolicy<Seen = Observation> implements Policy {
  readonly #guard: PolicyGuard<Seen, Observation>
  readonly #fallback: Policy
  readonly #weights = new Float64Array(DEVICE_OBJECTIVES.length)

  constructor(policy: EnvironmentPolicy<Seen>, options: ServedOptions<Seen>) {
    const { fallback = measuredCostController(), observe, observationVersion, check } = options
    if (typeof fallback?.decide !== 'function') {
      throw policyError('BAD_OPTION', 'fallback: it has no function decide')
    }
    this.#guard = new PolicyGuard<Seen, Observation>(policy, {
      objectives: DEVICE_OBJECTIVES.length,
      actionsOf: ({ modes }) => modes.length,
      isValid: (observation, action) => isUsable(observation.modes[action]!, observation),
      observe,
      observationVersion,
      check,
    })
    this.#fallback = fallback
    this.#guard.begin(0)
  }

  /** Live: the same object grows. */
  get counts(): ServeCounts {
    return this.#guard.counts
  }

  /** What policy or fallback threw last. */
  get lastError(): unknown {
    return this.#guard.lastError
  }

  decide(observation: Observation): Plan {
    const guard = this.#guard
    const { modes, link, preference } = observation
    if (modes.length === 0) {
      throw policyError('NO_MODES', 'The observation lists no modes; a bundle has at least one.')
    }
    writeDeviceWeights(preference, this.#weights)
    const action = guard.act(observation, this.#weights)
    const planOf = (at: number, reason: string) =>
      planFor({ mode: modes[at]!, arrival: arrivalTime(modes[at]!, link) }, reason)
    if (action >= 0) return planOf(action, `chosen by ${guard.policy.name}`)
    const why = `${guard.policy.name} could not say (${guard.reason})`
    try {
      const plan = this.#fallback.decide(observation)
      if (!names(plan, modes))
        throw policyError('BAD_ACTION', `fallback: the device has no mode ${plan.mode}`)
      return { ...plan, reason: `${plan.reason}; ${why}` }
    } catch (error) {
      guard.lastError = error
      guard.noteFailedFallback()
      return planOf(guard.firstValid(observation), `first valid mode; ${why}, nor could the fallback`)
    }
  }
}

/** Whether the plan can be carried out: to skip the frame, or a mode that is there on its route. */
const names = ({ route, mode: id }: Plan, modes: Observation['modes']): boolean =>
  route === 'skip' || modes.some((mode) => mode.mode === id && mode.route === route)
