import {
  type RandomStream,
  SplitEnvironment,
  type SplitObservation,
  type SplitOptions,
} from '../../env/index.ts'
import { GreedySplit } from '../../heuristics/split/index.ts'
import { generatedTrace, type RateTrace } from '../../sim/index.ts'
import { samplePreference } from '../encoding/preference.ts'
import { splitCandidates } from '../encoding/split-candidates.ts'
import type { Problem } from './problem.ts'
import { splitHeuristics } from './split-heuristics.ts'

export interface SplitProblemOptions {
  /** Links to train on. Default: generated ones of many means. */
  readonly traces?: readonly RateTrace[]
  /** Links to judge on, kept out of training. Default: generated ones. */
  readonly heldOut?: readonly RateTrace[]
  /** Options of all systems beside the links. */
  readonly system?: Omit<SplitOptions, 'traces'>
}

const TRAINED_TRACES = 48
const HELD_OUT_TRACES = 16

/** Links with means from 64 kbit/s to 8 Mbit/s, steady ones and wild ones. */
const generated = (count: number, firstSeed: number): RateTrace[] =>
  Array.from({ length: count }, (_, at) =>
    generatedTrace({
      seed: firstSeed + at,
      meanBps: 64e3 * 2 ** ((7 * at) / (count - 1)),
      sigma: 0.4 + 0.2 * (at % 4),
      correlationS: 2 + 3 * (at % 5),
    }),
  )

/** Split computing on one device: route, mode and server of each frame, deadlines from 100 to 400 ms. */
export function splitProblem({
  traces,
  heldOut,
  system = {},
}: SplitProblemOptions = {}): Problem<SplitObservation> {
  const ranges: SplitOptions = {
    deadlineS: [0.1, 0.4],
    frameS: [0.05, 0.2],
    deviceSpeed: [0.5, 2],
    ...system,
  }
  const links = traces ?? generated(TRAINED_TRACES, 1000)
  const systems: readonly SplitOptions[] = [
    { ...ranges, traces: links },
    { ...ranges, traces: links, arrivals: 'poisson' },
  ]
  const judged = new SplitEnvironment({ ...system, traces: heldOut ?? generated(HELD_OUT_TRACES, 9000) })
  const { delayScale, energyScale, errorScale } = judged.observation
  return {
    name: 'split',
    encoding: splitCandidates,
    places: judged.actionCount,
    training: systems.map((options) => new SplitEnvironment(options)),
    fork: (at) => new SplitEnvironment(systems[at]),
    judging: new Map([['held out', judged]]),
    base: () => new GreedySplit(),
    // A device's frames do not end with the episode, but what a frame costs is charged with it.
    endsWithEpisode: true,
    decides: () => true,
    outcome(environment) {
      const { frames, totalDelayS, totalEnergyJ, totalError } = (environment as SplitEnvironment).info
      return { weight: frames, costs: [totalDelayS, totalEnergyJ, totalError] }
    },
    costNames: ['s a frame', 'J a frame', 'errors a frame'],
    costScales: [delayScale, energyScale, errorScale],
    heuristics: splitHeuristics(judged.observation.modes),
    looseReferences: new Map(),
    grid: (points, random) => Array.from({ length: points }, (_, at) => preferenceAt(at, random)),
  }
}

/** The corners first, then preferences as training draws them. */
function preferenceAt(at: number, random: RandomStream): number[] {
  if (at < 3) return [0, 1, 2].map((objective) => (objective === at ? 1 : 0))
  const weights = new Float64Array(3)
  samplePreference(random, [1, 1, 1], weights)
  return [...weights]
}
