import type { EnvironmentPolicy, MecObservation } from '../env/index.ts'
import { placementCost } from './greedy.ts'
import { RollOutCosts, type RollOutOptions } from './roll-out-costs.ts'

/**
 * One-step roll-out on top of greedy-ω: tries each server for this task, plays sampled futures on with the greedy rule, and
 * takes the server with the least cost in the mean. It looks at the waiting line, which the published encoding hides, and costs
 * thousands of evaluations a decision: a yardstick and a teacher rather than a policy for a device.
 */
export class RollOut implements EnvironmentPolicy<MecObservation> {
  readonly name = 'roll-out'
  private readonly costs: RollOutCosts
  private later = new Float64Array(0)

  constructor(options: RollOutOptions = {}) {
    this.costs = new RollOutCosts(options)
  }

  get evaluations(): number {
    return this.costs.evaluations
  }

  begin(seed: number): void {
    this.costs.begin(seed)
  }

  act(observation: MecObservation, weights: ArrayLike<number>): number {
    const { servers, taskBits, delayScale, energyScale } = observation
    if (taskBits === 0) return 0
    if (this.later.length < 2 * servers) this.later = new Float64Array(2 * servers)
    const { later } = this
    this.costs.later(observation, weights, later)
    let best = 0
    let bestCost = Infinity
    for (let server = 0; server < servers; server++) {
      const cost =
        placementCost(observation, server, weights) +
        weights[0]! * delayScale * later[2 * server]! +
        weights[1]! * energyScale * later[2 * server + 1]!
      if (cost >= bestCost) continue
      best = server
      bestCost = cost
    }
    return best
  }
}
