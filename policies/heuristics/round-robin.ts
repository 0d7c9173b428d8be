import type { EnvironmentPolicy, MecObservation } from '../env/index.ts'

/** One server after the other, from `first` on; a slot without a task passes none over. */
export function roundRobin(first = 0): EnvironmentPolicy<MecObservation> {
  let turn = 0
  return {
    name: first === 0 ? 'round robin' : 'round robin, edges',
    evaluations: 0,
    begin: () => {
      turn = 0
    },
    act: ({ servers, taskBits }) => first + ((taskBits > 0 ? turn++ : turn) % (servers - first)),
  }
}
