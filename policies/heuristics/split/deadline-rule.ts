import type { EnvironmentPolicy, SplitObservation } from '../../env/index.ts'
import { type Expected, expectationOf } from './expected-cost.ts'
import { mayTake } from './fixed-mode.ts'

export interface DeadlineRuleOptions {
  /** Share of the deadline that is kept in hand. */
  readonly margin?: number
}

/**
 * The myopic deadline rule: the most accurate candidate whose expected time lies within the deadline, of equals the quickest; the
 * quickest of all when none does. It ignores the preference.
 */
export function deadlineRule({
  margin = 0.1,
}: DeadlineRuleOptions = {}): EnvironmentPolicy<SplitObservation> {
  const expected: Expected = { medianMs: 0, spreadMs: 0, inTime: 0 }
  const policy = {
    name: 'deadline-rule',
    evaluations: 0,
    begin: () => {},
    act: (observation: SplitObservation) => {
      const { modes, deadlineMs } = observation
      const limitMs = (1 - margin) * deadlineMs
      let best = -1
      let bestAccuracy = -1
      let bestMs = Infinity
      let quickest = -1
      let quickestMs = Infinity
      for (let action = 0; action < modes.length; action++) {
        if (!mayTake(observation, modes[action]!)) continue
        expectationOf(observation, action, expected)
        policy.evaluations++
        const ms = expected.medianMs
        const { accuracy } = modes[action]!
        if (quickest < 0 || ms < quickestMs) {
          quickest = action
          quickestMs = ms
        }
        if (ms > limitMs || accuracy < bestAccuracy || (accuracy === bestAccuracy && ms >= bestMs)) continue
        best = action
        bestAccuracy = accuracy
        bestMs = ms
      }
      return best >= 0 ? best : quickest
    },
  }
  return policy
}
