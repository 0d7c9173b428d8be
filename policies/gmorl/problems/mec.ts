import { MecEnvironment, type MecObservation, type MecOptions } from '../../env/index.ts'
import { Greedy } from '../../heuristics/index.ts'
import { mecCandidates } from '../encoding/mec-candidates.ts'
import { mecHeuristics } from './mec-heuristics.ts'
import type { Problem } from './problem.ts'

/**
 * Edge servers of the systems in training, the largest more often: there most is to be learnt. 2, 4, 7, 9 and 10 are left for tests of
 * generalisation.
 */
const TRAINED_EDGES = [1, 3, 5, 6, 8, 8, 8, 8] as const
/** Seconds and joule a task that no sensible policy exceeds; wide enough to count a front's ends. */
const LOOSE_REFERENCES: ReadonlyMap<string, readonly number[]> = new Map([
  ['E=1', [100, 0.06]],
  ['E=3', [200, 0.1]],
  ['E=5', [300, 0.15]],
  ['E=8', [450, 0.2]],
])
const JUDGED_EDGES = [1, 3, 5, 8] as const
const PUBLISHED_CLOCKS = { cloudHz: 4e9, edgeHz: 2e9 } as const

export interface MecProblemOptions {
  readonly edges?: readonly number[]
  readonly judged?: readonly number[]
  /** Clocks of the judged systems. Default: 4 and 2 GHz, as published. */
  readonly judgedClocks?: Pick<MecOptions, 'cloudHz' | 'edgeHz'>
  /** Options of all systems beside `edges` and the clocks. */
  readonly system?: Omit<MecOptions, 'edges' | 'cloudHz' | 'edgeHz' | 'recorded'>
}

/**
 * GMORL's system: half of the episodes with the published clocks of 4 and 2 GHz, half with clocks drawn as its configuration
 * has them (cloud 3 … 5, edge 1.5 … 2.5 GHz).
 */
export function mecProblem({
  edges = TRAINED_EDGES,
  judged = JUDGED_EDGES,
  judgedClocks = PUBLISHED_CLOCKS,
  system = {},
}: MecProblemOptions = {}): Problem<MecObservation> {
  const systems: readonly MecOptions[] = edges.flatMap((count) => [
    { ...system, edges: count, ...PUBLISHED_CLOCKS },
    { ...system, edges: count },
  ])
  return {
    name: 'mec',
    encoding: mecCandidates,
    places: 1 + Math.max(...edges),
    training: systems.map((options) => new MecEnvironment(options)),
    fork: (at) => new MecEnvironment(systems[at]),
    judging: new Map(
      judged.map((count) => [`E=${count}`, new MecEnvironment({ ...system, edges: count, ...judgedClocks })]),
    ),
    base: () => new Greedy(),
    endsWithEpisode: true,
    decides: ({ taskBits }) => taskBits > 0,
    outcome(environment) {
      const mec = environment as MecEnvironment
      const sojournS = mec.drain()
      const { tasks, totalEnergyJ } = mec.info
      return { weight: tasks, costs: [sojournS, totalEnergyJ] }
    },
    costNames: ['s a task', 'J a task'],
    costScales: scalesOf(new MecEnvironment({ ...system, edges: 1 }).observation),
    heuristics: mecHeuristics,
    looseReferences: LOOSE_REFERENCES,
    grid: (points) => Array.from({ length: points }, (_, at) => [at / (points - 1), 1 - at / (points - 1)]),
  }
}

const scalesOf = ({ delayScale, energyScale }: MecObservation): number[] => [delayScale, energyScale]
