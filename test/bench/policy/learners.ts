import { RandomStream } from '@isthmus/policies/env'
import {
  Collectors,
  compareFronts,
  type GmorlRecipe,
  problemOf,
  type Stage,
  trainGmorl,
  type VolumeRatio,
  volumeRatio,
} from '@isthmus/policies/gmorl'
import type { SuiteContext } from '../suite.ts'

const FIRST_SEED = 8_700_000_000

/** What a learner reached, and the time it took on this machine. */
export interface LearnerRow {
  readonly name: string
  /** Hypervolume over greedy-ω's, its corners the reference, with three edge servers. */
  readonly volume: VolumeRatio
  readonly seconds: number
}

const rounds = { rounds: 12, episodes: 100, steps: 300, batch: 256, rate: 0.001, memory: 300_000 }
const replay = { discount: 0.97, relabelled: 0.5, targetRate: 0.01 }
const learners: Readonly<Record<string, Stage>> = {
  'teacher that looks ahead': {
    kind: 'imitation',
    ...rounds,
    rounds: 6,
    base: 'rule',
    ahead: 40,
    futures: 3,
  },
  'Discrete-SAC from greedy-ω on': {
    kind: 'sac',
    ...rounds,
    ...replay,
    sac: { temperature: 0.02, targets: 'lowest', actorRate: 0.05 },
    criticRounds: 4,
  },
  'Envelope Q-learning from nothing': {
    kind: 'envelope',
    ...rounds,
    ...replay,
    preferences: 4,
    homotopy: 0.5,
    temperature: 0.05,
  },
}

/** Each learner by itself on one small problem, for a minute or two: which of them is worth its time here. */
export async function measureLearners({ quick, say, threads }: SuiteContext): Promise<LearnerRow[]> {
  const problem = { env: 'mec', edges: [3], judged: [3] } as const
  const settings = quick ? { points: 11, sets: 2, episodes: 2 } : { points: 101, sets: 10, episodes: 20 }
  const preferences = problemOf(problem).grid(settings.points, new RandomStream(0))
  const rows: LearnerRow[] = []
  for (const [name, stage] of Object.entries(learners)) {
    const short = quick
      ? { rounds: 2, episodes: 4, steps: 5, ...(stage.kind === 'sac' && { criticRounds: 1 }) }
      : {}
    const recipe: GmorlRecipe = { problem, seed: 1, hidden: 32, stages: [{ ...stage, ...short } as Stage] }
    const startedMs = performance.now()
    const policy = await trainGmorl({ recipe, collectors: threads, judgeEvery: 0 })
    const seconds = (performance.now() - startedMs) / 1000
    const collectors = new Collectors(problem, threads)
    const { policy: ours, rule } = await compareFronts({
      problem: problemOf(problem),
      collectors,
      system: 'E=3',
      preferences,
      sets: settings.sets,
      episodes: settings.episodes,
      firstSeed: FIRST_SEED,
      policy,
    }).finally(() => collectors.dispose())
    rows.push({ name, volume: volumeRatio(ours, rule), seconds })
    say(`${name}: ${rows.at(-1)!.volume.ratio.toFixed(4)} of greedy's hypervolume in ${seconds.toFixed(0)} s`)
  }
  return rows
}
