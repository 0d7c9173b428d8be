import type { EnvironmentPolicy, MecEnvironment, MecObservation } from '../env/index.ts'

/** What an episode came to, placed with knowledge of all its tasks. */
export interface HindsightOutcome {
  readonly tasks: number
  readonly sojournS: number
  readonly energyJ: number
}

export interface HindsightOptions {
  readonly seed: number
  /** Rounds over all tasks at most. Default 8. */
  readonly passes?: number
}

/**
 * A yardstick that no policy can reach by looking at the present: plays an episode as `start` does, then moves one task at a time to
 * another server where that makes the whole episode cheaper, until nothing does. It knows every task to come. A local optimum, so
 * neither a bound nor the best there is.
 *
 * @param scratch an environment made with the same options
 * @param weights ω
 */
export function hindsightPlan(
  environment: MecEnvironment,
  scratch: MecEnvironment,
  start: EnvironmentPolicy<MecObservation>,
  weights: ArrayLike<number>,
  { seed, passes = 8 }: HindsightOptions,
): HindsightOutcome {
  const actions = played(environment, start, weights, seed)
  const { servers, delayScale, energyScale } = environment.observation
  const costOf = ({ sojournS, energyJ }: HindsightOutcome) =>
    weights[0]! * delayScale * sojournS + weights[1]! * energyScale * energyJ
  let best = replayed(environment, actions, seed)
  for (let pass = 0, better = true; pass < passes && better; pass++) {
    better = false
    environment.reset({ seed })
    for (let slot = 0; slot < actions.length; slot++) {
      for (let action = 0; action < servers; action++) {
        const kept = actions[slot]!
        if (action === kept || environment.observation.taskBits === 0) continue
        actions[slot] = action
        const outcome = continued(environment, scratch, actions, slot)
        if (costOf(outcome) < costOf(best) * (1 - 1e-12)) {
          best = outcome
          better = true
        } else actions[slot] = kept
      }
      environment.step(actions[slot]!)
    }
  }
  return best
}

function played(
  environment: MecEnvironment,
  policy: EnvironmentPolicy<MecObservation>,
  weights: ArrayLike<number>,
  seed: number,
): number[] {
  const { observation } = environment.reset({ seed })
  policy.begin(seed)
  const actions: number[] = []
  for (let over = false; !over; ) {
    actions.push(policy.act(observation, weights))
    over = environment.step(actions.at(-1)!).truncated
  }
  return actions
}

function replayed(environment: MecEnvironment, actions: readonly number[], seed: number): HindsightOutcome {
  environment.reset({ seed })
  for (const action of actions) environment.step(action)
  return outcomeOf(environment)
}

/** The episode from `slot` on, tried out in `scratch`. */
function continued(
  environment: MecEnvironment,
  scratch: MecEnvironment,
  actions: readonly number[],
  slot: number,
): HindsightOutcome {
  scratch.copyFrom(environment)
  for (let at = slot; at < actions.length; at++) scratch.step(actions[at]!)
  return outcomeOf(scratch)
}

function outcomeOf(environment: MecEnvironment): HindsightOutcome {
  const sojournS = environment.drain()
  const { tasks, totalEnergyJ } = environment.info
  return { tasks, sojournS, energyJ: totalEnergyJ }
}
