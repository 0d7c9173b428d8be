import { type EnvironmentPolicy, type MecObservation, RandomStream } from '../env/index.ts'
import { optionChecks } from '../option-checks.ts'

const { within } = optionChecks('static mix')

/** Any server of those from `first` on, with equal chances: 0 for all, 1 for the edges alone. */
export function randomServer(first = 0): EnvironmentPolicy<MecObservation> {
  const random = new RandomStream(0)
  return {
    name: first === 0 ? 'random' : 'random edge',
    evaluations: 0,
    begin: (seed) => random.seed(seed, 0x72616e64),
    act: ({ servers }) => first + random.below(servers - first),
  }
}

/** The cloud with probability `cloudShare`, else one of the edges with equal chances. Throws IsthmusError `BAD_OPTION`. */
export function staticMix(cloudShare: number): EnvironmentPolicy<MecObservation> {
  within('cloudShare', cloudShare, 0, 1)
  const random = new RandomStream(0)
  return {
    name: `mix, ${cloudShare} cloud`,
    evaluations: 0,
    begin: (seed) => random.seed(seed, 0x6d6978),
    act: ({ servers }) => (random.uniform() < cloudShare ? 0 : 1 + random.below(servers - 1)),
  }
}
