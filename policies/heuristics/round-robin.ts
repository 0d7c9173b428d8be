import type { EnvironmentPolicy, MecObservation } from '../env/index.ts'

export interface RoundRobinOptions {
  /** First server that takes part: 0 for all, 1 for the edges alone. */
  readonly first?: number
  /**
   * What moves the turn on. `task` (default) spreads tasks evenly. `slot` counts slots without a task, too, as `slot modulo
   * servers` does: which servers are passed over is then left to chance.
   */
  readonly turnEvery?: 'task' | 'slot'
}

/** One server after the other. */
export function roundRobin({
  first = 0,
  turnEvery = 'task',
}: RoundRobinOptions = {}): EnvironmentPolicy<MecObservation> {
  let turn = 0
  return {
    name: ['round robin', first === 0 ? '' : ', edges', turnEvery === 'task' ? '' : ' by slot'].join(''),
    evaluations: 0,
    begin: () => {
      turn = 0
    },
    act: ({ servers, taskBits }) => {
      const server = first + (turn % (servers - first))
      if (taskBits > 0 || turnEvery === 'slot') turn++
      return server
    },
  }
}
