import { type EnvironmentPolicy, RandomStream } from '../env/index.ts'
import { Encoder } from './encoder.ts'
import { joined } from './joined.ts'
import { samplePreference } from './preference.ts'
import type { Problem } from './problems/index.ts'
import { Teacher, type TeacherOptions } from './teacher.ts'

/** States with what a teacher thinks of each candidate. Arrays of all states one after the other. */
export interface Labels {
  readonly candidates: Uint8Array
  /** `[sum of candidates, rowLength]` */
  readonly rows: Float32Array
  /** `[states, contextLength]` */
  readonly context: Float32Array
  /** Value of each candidate in units of weighted cost, `[sum of candidates]`; only differences within a state count. */
  readonly values: Float32Array
}

export interface LabelOptions extends TeacherOptions {
  readonly seed: number
  readonly firstEpisode: number
  readonly episodes: number
}

/** How often a state is labelled, how often the teacher's choice is then taken, and how often any. */
const LABELLED = 0.5
const TAUGHT = 0.5
const WANDERING = 0.06

/**
 * Plays episodes, each under a preference of its own, and asks the teacher about half of the states. What is done is in part
 * what the teacher says, in part what `student` would do, now and then anything: so the student sees the states that it will
 * come to, and some beside them (DAgger, Ross et al. 2011).
 */
export function collectLabels<Observation>(
  problem: Problem<Observation>,
  base: EnvironmentPolicy<Observation>,
  student: EnvironmentPolicy<Observation>,
  options: LabelOptions,
): Labels {
  const { encoding, places } = problem
  const { objectives, rowLength } = encoding
  const teacher = new Teacher(base, options)
  const encoder = new Encoder(encoding, places)
  const random = new RandomStream(0)
  const weights = new Float64Array(objectives)
  const units = new Float64Array(objectives)
  const values = new Float64Array(places * objectives)
  const found = {
    candidates: [] as number[],
    rows: [] as Float32Array[],
    context: [] as Float32Array[],
    values: [] as Float32Array[],
  }
  for (let episode = options.firstEpisode; episode < options.firstEpisode + options.episodes; episode++) {
    random.seed(options.seed, episode)
    teacher.seed(options.seed, episode, 1)
    const system = random.below(problem.training.length)
    const environment = problem.training[system]!
    const fork = problem.forks[system]!
    environment.reset({ seed: random.bits() })
    const { observation } = environment
    encoding.units(observation, units)
    samplePreference(random, units, weights)
    student.begin(episode)
    for (let over = false; !over; ) {
      let action = student.act(observation, weights)
      if (problem.decides(observation)) {
        const candidates = encoder.encode(observation, weights)
        if (random.uniform() < LABELLED) {
          teacher.values(environment, fork, candidates, weights, values)
          const scores = new Float32Array(candidates)
          const best = scoresOf(values, weights, units, scores)
          found.candidates.push(candidates)
          found.rows.push(encoder.rows.slice(0, candidates * rowLength))
          found.context.push(encoder.context.slice())
          found.values.push(scores)
          if (random.uniform() < TAUGHT) action = best
        }
        if (random.uniform() < WANDERING) action = random.below(candidates)
      }
      const { terminated, truncated } = environment.step(action)
      over = terminated || truncated
    }
  }
  return {
    candidates: Uint8Array.from(found.candidates),
    rows: joined(found.rows),
    context: joined(found.context),
    values: joined(found.values),
  }
}

/** Weighted values in units of weighted cost; returns the best action. */
function scoresOf(
  values: Float64Array,
  weights: Float64Array,
  units: Float64Array,
  scores: Float32Array,
): number {
  const objectives = weights.length
  let unit = 0
  for (let objective = 0; objective < objectives; objective++) unit += weights[objective]! * units[objective]!
  let best = 0
  let bestValue = -Infinity
  for (let action = 0; action < scores.length; action++) {
    let value = 0
    for (let objective = 0; objective < objectives; objective++) {
      value += (weights[objective]! / unit) * values[action * objectives + objective]!
    }
    scores[action] = value
    if (value <= bestValue) continue
    bestValue = value
    best = action
  }
  // Only differences count, and single precision holds them better without what all have in common.
  for (let action = 0; action < scores.length; action++) scores[action]! -= bestValue
  return best
}
