import type { EnvironmentPolicy, SplitEnvironment, SplitObservation } from '../../env/index.ts'
import { mayTake } from './fixed-mode.ts'

/**
 * Greedy with hindsight: takes the candidate that will really cost least by the preference, for it looks into `environment`, in which it
 * must be played. No device can do that. It still looks no frame ahead, so it is a yardstick for estimates and no bound.
 */
export class HindsightGreedy implements EnvironmentPolicy<SplitObservation> {
  readonly name = 'hindsight-greedy'
  evaluations = 0
  private readonly environment: SplitEnvironment
  private readonly reward = new Float64Array(3)

  constructor(environment: SplitEnvironment) {
    this.environment = environment
  }

  begin(): void {}

  act(observation: SplitObservation, weights: ArrayLike<number>): number {
    const { reward, environment } = this
    let best = -1
    let most = -Infinity
    for (let action = 0; action < observation.modes.length; action++) {
      if (!mayTake(observation, observation.modes[action]!)) continue
      environment.foresee(action, reward)
      this.evaluations++
      const value = weights[0]! * reward[0]! + weights[1]! * reward[1]! + weights[2]! * reward[2]!
      if (best >= 0 && value <= most) continue
      best = action
      most = value
    }
    return best
  }
}
