import { RandomStream } from '../../env/index.ts'
import { Encoder } from '../encoding/encoder.ts'
import { samplePreference } from '../encoding/preference.ts'
import type { LearnedPolicy } from '../network/learned-policy.ts'
import type { Problem } from '../problems/index.ts'
import { joined } from './joined.ts'
import { Wandering } from './wandering.ts'

/** Episodes as a learner keeps them. States of all episodes one after the other; an episode has one state more than steps. */
export interface Episodes {
  /** Steps of each episode. */
  readonly steps: Int32Array
  /** Candidates of each state. */
  readonly candidates: Uint8Array
  /** `[sum of candidates, rowLength]` */
  readonly rows: Float32Array
  /** `[states, contextLength]` */
  readonly context: Float32Array
  /** Action taken in each state; of an episode's last state: 0. */
  readonly actions: Uint8Array
  /** Rewards in units of the encoding, `[states, objectives]`. */
  readonly rewards: Float32Array
  /** Of each episode: 1 when nothing is to be expected after it. */
  readonly ended: Uint8Array
}

export interface EpisodeOptions {
  readonly seed: number
  readonly firstEpisode: number
  readonly episodes: number
  /** Scores are divided by it before actions are drawn by their softmax. */
  readonly temperature: number
  /** Share of decisions that begin a run of one random action, see {@link Wandering}. Default 0. */
  readonly wandering?: number
  /** See {@link samplePreference}. */
  readonly spread?: number
}

/** Plays episodes, each under a preference of its own, actions drawn as the stochastic policy has them, wandering apart. */
export function collectEpisodes<Observation>(
  problem: Problem<Observation>,
  policy: LearnedPolicy<Observation>,
  { seed, firstEpisode, episodes, temperature, wandering = 0, spread }: EpisodeOptions,
): Episodes {
  const { encoding, places, training } = problem
  const { objectives, rowLength } = encoding
  const encoder = new Encoder(encoding, places)
  const random = new RandomStream(0)
  const wanderer = new Wandering(random, wandering)
  const weights = new Float64Array(objectives)
  const units = new Float64Array(objectives)
  const steps: number[] = []
  const candidates: number[] = []
  const rows: Float32Array[] = []
  const context: Float32Array[] = []
  const actions: number[] = []
  const rewards: number[] = []
  const ended: number[] = []
  for (let episode = firstEpisode; episode < firstEpisode + episodes; episode++) {
    random.seed(seed, episode, 2)
    const environment = training[random.below(training.length)]!
    environment.reset({ seed: random.bits() })
    const { observation } = environment
    encoding.units(observation, units)
    samplePreference(random, units, weights, spread)
    const see = () => {
      const count = encoder.encode(observation, weights)
      candidates.push(count)
      rows.push(encoder.rows.slice(0, count * rowLength))
      context.push(encoder.context.slice())
      return count
    }
    let taken = 0
    wanderer.begin()
    for (let over = false; !over; taken++) {
      const count = see()
      policy.act(observation, weights)
      const action = wanderer.next(policy.scores, count) ?? drawn(policy.scores, count, temperature, random)
      actions.push(action)
      encoding.units(observation, units)
      const { reward, terminated, truncated } = environment.step(action)
      for (let objective = 0; objective < objectives; objective++) {
        rewards.push(reward[objective]! / units[objective]!)
      }
      over = terminated || truncated
      if (over) ended.push(terminated || problem.endsWithEpisode ? 1 : 0)
    }
    see()
    actions.push(0)
    for (let objective = 0; objective < objectives; objective++) rewards.push(0)
    steps.push(taken)
  }
  return {
    steps: Int32Array.from(steps),
    candidates: Uint8Array.from(candidates),
    rows: joined(rows),
    context: joined(context),
    actions: Uint8Array.from(actions),
    rewards: Float32Array.from(rewards),
    ended: Uint8Array.from(ended),
  }
}

/** An action by the softmax of scores / temperature. */
function drawn(scores: Float32Array, candidates: number, temperature: number, random: RandomStream): number {
  let best = -Infinity
  for (let at = 0; at < candidates; at++) best = Math.max(best, scores[at]!)
  let total = 0
  for (let at = 0; at < candidates; at++) total += Math.exp((scores[at]! - best) / temperature)
  let left = random.uniform() * total
  for (let at = 0; at < candidates; at++) {
    left -= Math.exp((scores[at]! - best) / temperature)
    if (left < 0) return at
  }
  return candidates - 1
}
