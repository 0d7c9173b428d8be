import type { RoundEnvironment, RoundPolicy } from './round-environment.ts'

/**
 * What each place would cost an agent for one who sees all of the world, and knows what the agents before it in the same
 * round have taken: the yardstick of agents that decide apart, and a teacher of theirs.
 */
export interface CentralCosts<E extends RoundEnvironment = RoundEnvironment> {
  begin(environment: E): void
  beginRound(environment: E): void
  /** Writes `[places]`: cost in deadlines, Infinity where the task may not run. */
  costs(environment: E, agent: number, into: Float64Array): void
  /** The agent takes this place. */
  take(environment: E, agent: number, place: number): void
}

/** Index of the lowest number. */
export function lowest(values: Float64Array): number {
  let best = 0
  for (let at = 1; at < values.length; at++) if (values[at]! < values[best]!) best = at
  return best
}

/** Places one task after another with full information. */
export function centralRule<E extends RoundEnvironment>(central: CentralCosts<E>): RoundPolicy<E> {
  let costs = new Float64Array(0)
  return {
    name: 'central, full information',
    begin: (environment) => {
      costs = new Float64Array(environment.places)
      central.begin(environment)
    },
    decide: (environment, actions) => {
      central.beginRound(environment)
      for (let agent = 0; agent < environment.agents; agent++) {
        if (environment.acting[agent] === 0) continue
        central.costs(environment, agent, costs)
        actions[agent] = lowest(costs)
        central.take(environment, agent, actions[agent]!)
      }
    },
  }
}
