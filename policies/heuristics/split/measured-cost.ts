import type { EnvironmentPolicy, SplitObservation } from '../../env/index.ts'
import { type MeasuredCostOptions, measuredCostController } from '../../measured-cost-controller.ts'
import type { ModeEstimate, Policy } from '../../plan.ts'

/**
 * The device SDK's own controller. It knows modes but no servers, so each mode is offered to it at the server that answers soonest by the
 * estimates. Of the preference it takes delay and energy, between modes of equal accuracy. Throws IsthmusError `BAD_OPTION`.
 */
export function measuredCost(options: MeasuredCostOptions = {}): EnvironmentPolicy<SplitObservation> {
  let controller: Policy = measuredCostController(options)
  const policy = {
    name: 'measured-cost',
    evaluations: 0,
    begin: () => {
      controller = measuredCostController(options)
    },
    act: (observation: SplitObservation, weights: ArrayLike<number>) => {
      const soonest = soonestServers(observation.modes)
      const modes: ModeEstimate[] = Array.from(soonest.values(), (action) => observation.modes[action]!)
      policy.evaluations += modes.length
      const preference = { delay: weights[0]!, energy: weights[1]! }
      const plan = controller.decide({ ...observation, modes, preference })
      return soonest.get(plan.mode)!
    },
  }
  return policy
}

/** Index of each mode's candidate whose server is expected to answer soonest, by the mode's number. */
function soonestServers(modes: SplitObservation['modes']): Map<number, number> {
  const soonest = new Map<number, number>()
  for (const [at, { mode, medianMs }] of modes.entries()) {
    const known = soonest.get(mode)
    if (known === undefined || medianMs < modes[known]!.medianMs) soonest.set(mode, at)
  }
  return soonest
}
