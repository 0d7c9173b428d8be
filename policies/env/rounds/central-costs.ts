import type { RoundEnvironment, RoundPolicy } from './round-environment.ts'

/**
 * What each place would cost an agent for one who sees all of the world, and knows what the agents before it in the same
 * round have taken: the yardstick of agents that decide apart, and a teacher of theirs.
 */
export interface CentralCosts<E extends RoundEnvironment = RoundEnvironment> {
  begin(environment: E): void
  beginRound(environment: E): void
  /**
   * Writes `[places]`: cost in deadlines, Infinity where the task may not run.
   *
   * @param shares `[places]`, written: how much of the task best goes to each place. Costs are then those of tasks so divided; without
   *   it tasks are whole
   */
  costs(environment: E, agent: number, into: Float64Array, shares?: Float64Array): void
  /**
   * The agent takes this place.
   *
   * @param share how much of its task goes there. Default: all of it
   */
  take(environment: E, agent: number, place: number, share?: number): void
}

/** Index of the lowest number. */
export function lowest(values: Float64Array): number {
  let best = 0
  for (let at = 1; at < values.length; at++) if (values[at]! < values[best]!) best = at
  return best
}

/**
 * Places one task after another with full information.
 *
 * @param divide whether tasks that can be divided are, as is best for each
 */
export function centralRule<E extends RoundEnvironment>(
  central: CentralCosts<E>,
  { divide = false }: { readonly divide?: boolean } = {},
): RoundPolicy<E> {
  let costs = new Float64Array(0)
  let best: Float64Array | undefined
  return {
    name: divide ? 'central, full information, tasks divided' : 'central, full information',
    begin: (environment) => {
      costs = new Float64Array(environment.places)
      best = divide ? new Float64Array(environment.places) : undefined
      central.begin(environment)
    },
    decide: (environment, actions, shares) => {
      central.beginRound(environment)
      for (let agent = 0; agent < environment.agents; agent++) {
        if (environment.acting[agent] === 0) continue
        central.costs(environment, agent, costs, best)
        const place = lowest(costs)
        actions[agent] = place
        if (best) shares[agent] = best[place]!
        central.take(environment, agent, place, shares[agent])
      }
    },
  }
}
