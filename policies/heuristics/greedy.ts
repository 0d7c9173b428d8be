import { delayS, type EnvironmentPolicy, energyJ, type MecObservation } from '../env/index.ts'

/**
 * Greedy-ω: the server at which this task costs least by the preference, its exact marginal delay and its energy weighed as
 * the rewards are. No learning, no look ahead, and the rule that a learned policy has to beat.
 */
export class Greedy implements EnvironmentPolicy<MecObservation> {
  readonly name = 'greedy'
  evaluations = 0

  begin(): void {}

  act(observation: MecObservation, weights: ArrayLike<number>): number {
    const { servers, taskBits } = observation
    if (taskBits === 0) return 0
    let best = 0
    let bestCost = Infinity
    for (let server = 0; server < servers; server++) {
      const cost = placementCost(observation, server, weights)
      if (cost < bestCost) {
        best = server
        bestCost = cost
      }
    }
    this.evaluations += servers
    return best
  }
}

/** What placing the task at `server` costs: minus the weighted reward. */
export function placementCost(
  observation: MecObservation,
  server: number,
  weights: ArrayLike<number>,
): number {
  const { delayScale, energyScale } = observation
  return (
    weights[0]! * delayScale * delayS(observation, server) +
    weights[1]! * energyScale * energyJ(observation, server)
  )
}
