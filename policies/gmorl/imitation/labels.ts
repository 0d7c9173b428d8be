import { type ForkableEnvironment, RandomStream } from '../../env/index.ts'
import { Encoder } from '../encoding/encoder.ts'
import { samplePreference } from '../encoding/preference.ts'
import type { GroupPolicy } from '../network/group-policy.ts'
import type { LearnedPolicy } from '../network/learned-policy.ts'
import { joined } from '../play/joined.ts'
import type { Problem } from '../problems/index.ts'
import { Teacher, type TeacherOptions } from './teacher.ts'

/** States with what a teacher thinks of each candidate. Arrays of all states one after the other. */
export interface Labels {
  readonly candidates: Uint8Array
  /** `[sum of candidates, rowLength]` */
  readonly rows: Float32Array
  /** `[states, contextLength]` */
  readonly context: Float32Array
  /**
   * Value of each candidate in units of weighted cost, `[sum of candidates]`; NaN: not tried. Only differences within a state
   * count.
   */
  readonly values: Float32Array
}

export interface LabelOptions extends TeacherOptions {
  readonly seed: number
  readonly firstEpisode: number
  readonly episodes: number
  /** Candidates to try in a state, those that the student holds best; default: all. */
  readonly tried?: number
  /**
   * States are labelled where the student's two best are less apart than this, in units of weighted cost; default: all.
   */
  readonly closerThan?: number
  /** See {@link samplePreference}. */
  readonly spread?: number
  /** Gives up at the next state. */
  readonly signal?: AbortSignal
}

/** How often a state that is clear to the student is labelled with what the anchor thinks of it. */
const REMEMBERED = 0.3

/** How often a state is labelled, how often the teacher's choice is then taken, and how often any. */
const LABELLED = 0.5
const TAUGHT = 0.5
const WANDERING = 0.06

/**
 * Plays episodes, each under a preference of its own, and asks the teacher about half of the states. What is done is in part
 * what the teacher says, in part what `student` would do, now and then anything: so the student sees the states that it will
 * come to, and some beside them (DAgger, Ross et al. 2011).
 *
 * One call at a time for a problem: it plays in the problem's own systems.
 *
 * @param anchor what was learnt before: it stands in where `options` spare the teacher the asking, for a network that is taught
 *   only what is in doubt forgets the rest
 */
export async function collectLabels<Observation>(
  problem: Problem<Observation>,
  base: GroupPolicy<Observation>,
  student: LearnedPolicy<Observation>,
  options: LabelOptions,
  anchor?: LearnedPolicy<Observation>,
): Promise<Labels> {
  const { encoding, places } = problem
  const { objectives, rowLength } = encoding
  const teacher = new Teacher(base, options)
  const encoder = new Encoder(encoding, places)
  const random = new RandomStream(0)
  const weights = new Float64Array(objectives)
  const units = new Float64Array(objectives)
  const values = new Float64Array(places * objectives)
  const order: number[] = []
  const forksOf = new Map<number, ForkableEnvironment<Observation>[]>()
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
    const forks = forksOf.get(system) ?? []
    forksOf.set(system, forks)
    environment.reset({ seed: random.bits() })
    const { observation } = environment
    encoding.units(observation, units)
    samplePreference(random, units, weights, options.spread)
    student.begin()
    for (let over = false; !over; ) {
      let action = student.act(observation, weights)
      if (problem.decides(observation)) {
        const candidates = encoder.encode(observation, weights)
        const keep = (scores: Float32Array) => {
          found.candidates.push(candidates)
          found.rows.push(encoder.rows.slice(0, candidates * rowLength))
          found.context.push(encoder.context.slice())
          found.values.push(scores)
        }
        const isAsked = random.uniform() < LABELLED
        const isOpen = isAsked && contenders(student.scores, candidates, options, order)
        const known = isAsked ? anchor?.scoresOf(observation, weights).slice(0, candidates) : undefined
        if (isOpen) {
          while (forks.length < order.length * teacher.futures) forks.push(problem.fork(system))
          await teacher.values(environment, forks, order, weights, values)
          options.signal?.throwIfAborted()
          const scores = new Float32Array(candidates).fill(Number.NaN)
          const best = scoresOf(values, order, weights, units, scores)
          if (known) fillIn(scores, order, known)
          keep(scores)
          if (random.uniform() < TAUGHT) action = best
        } else if (known && random.uniform() < REMEMBERED) {
          keep(known.map((score) => (score > -Infinity ? score : Number.NaN)))
        }
        if (random.uniform() < WANDERING) action = anyOf(student.scores, candidates, random)
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

/**
 * Writes the candidates to try to `order`, best first by the student's scores; false when the student is so sure that there is
 * little to learn.
 */
function contenders(
  scores: Float32Array,
  candidates: number,
  { tried = candidates, closerThan = Infinity }: LabelOptions,
  order: number[],
): boolean {
  order.length = 0
  for (let candidate = 0; candidate < candidates; candidate++) {
    if (scores[candidate]! > -Infinity) order.push(candidate)
  }
  order.sort((a, b) => scores[b]! - scores[a]!)
  if (order.length < 2 || !(scores[order[0]!]! - scores[order[1]!]! < closerThan)) return false
  order.length = Math.min(order.length, tried)
  return true
}

/** Gives those not tried what the anchor thinks of them, in line with those that were. */
function fillIn(scores: Float32Array, tried: readonly number[], known: Float32Array): void {
  let offset = 0
  for (const candidate of tried) offset += (scores[candidate]! - known[candidate]!) / tried.length
  for (let candidate = 0; candidate < scores.length; candidate++) {
    const score = known[candidate]!
    if (Number.isNaN(scores[candidate]!) && score > -Infinity) scores[candidate] = score + offset
  }
}

/** A random candidate that may be taken. */
function anyOf(scores: Float32Array, candidates: number, random: RandomStream): number {
  for (;;) {
    const candidate = random.below(candidates)
    if (scores[candidate]! > -Infinity) return candidate
  }
}

/** Weighted values of the actions tried, in units of weighted cost; returns the best. */
function scoresOf(
  values: Float64Array,
  tried: readonly number[],
  weights: Float64Array,
  units: Float64Array,
  scores: Float32Array,
): number {
  const objectives = weights.length
  let unit = 0
  for (let objective = 0; objective < objectives; objective++) unit += weights[objective]! * units[objective]!
  const worthOf = (action: number) => {
    let value = 0
    for (let objective = 0; objective < objectives; objective++) {
      value += (weights[objective]! / unit) * values[action * objectives + objective]!
    }
    return value
  }
  let best = tried[0]!
  for (const action of tried) if (worthOf(action) > worthOf(best)) best = action
  // Only differences count, and single precision holds them better without what all have in common.
  for (const action of tried) scores[action] = worthOf(action) - worthOf(best)
  return best
}
