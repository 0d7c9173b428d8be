import type { EnvironmentPolicy, SplitObservation } from '../../env/index.ts'
import { type Expected, expectedCost } from './expected-cost.ts'
import { mayTake } from './fixed-mode.ts'

/**
 * Greedy-ω: the candidate with the least expected cost by the preference, from the device's estimates and how far these have been off.
 * It neither looks ahead nor knows what the frame does to later ones.
 */
export class GreedySplit implements EnvironmentPolicy<SplitObservation> {
  readonly name = 'greedy'
  evaluations = 0
  private readonly expected: Expected = { medianMs: 0, spreadMs: 0, inTime: 0 }

  begin(): void {}

  act(observation: SplitObservation, weights: ArrayLike<number>): number {
    const { modes } = observation
    let best = -1
    let bestCost = Infinity
    for (let action = 0; action < modes.length; action++) {
      if (!mayTake(observation, modes[action]!)) continue
      const cost = expectedCost(observation, action, weights, this.expected)
      this.evaluations++
      if (best >= 0 && cost >= bestCost) continue
      best = action
      bestCost = cost
    }
    return best
  }
}
