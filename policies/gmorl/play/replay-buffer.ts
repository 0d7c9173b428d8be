import type { Tensor } from '@isthmus/models/runtime'
import type { RandomStream } from '../../env/index.ts'
import type { CandidateEncoding } from '../encoding/candidate-encoding.ts'
import { samplePreference, weigh } from '../encoding/preference.ts'
import type { Episodes } from './episodes.ts'

export interface ReplayOptions {
  /** States kept at most; the oldest episodes go first. */
  readonly most: number
  /** Share of the transitions that are seen under a preference drawn anew (HPR, arXiv 2601.11604). */
  readonly relabelled: number
  readonly discount: number
  /** See {@link samplePreference}. */
  readonly spread?: number
}

interface EpisodeSet {
  readonly episodes: Episodes
  /** First state of each episode, and first row of each state. */
  readonly firstState: Int32Array
  readonly firstRow: Int32Array
}

/** Inputs of a learner's step, see {@link ReplayBuffer.draw}. */
export type TransitionBatch = Record<
  | 'rows'
  | 'context'
  | 'mask'
  | 'taken'
  | 'reward'
  | 'share'
  | 'discount'
  | 'nextRows'
  | 'nextContext'
  | 'nextMask',
  Tensor<'float32'>
>

/** Transitions of the episodes collected last, and batches drawn from them under old and new preferences. */
export class ReplayBuffer {
  readonly #encoding: Pick<CandidateEncoding<never>, 'rowLength' | 'contextLength' | 'objectives'>
  readonly #places: number
  readonly #options: ReplayOptions
  readonly #sets: EpisodeSet[] = []
  /** States that are there. */
  size = 0

  constructor(
    encoding: Pick<CandidateEncoding<never>, 'rowLength' | 'contextLength' | 'objectives'>,
    places: number,
    options: ReplayOptions,
  ) {
    this.#encoding = encoding
    this.#places = places
    this.#options = options
  }

  add(episodes: Episodes): void {
    const { steps, candidates } = episodes
    const firstState = new Int32Array(steps.length)
    const firstRow = new Int32Array(candidates.length)
    for (let episode = 1; episode < steps.length; episode++) {
      firstState[episode] = firstState[episode - 1]! + steps[episode - 1]! + 1
    }
    for (let state = 1; state < candidates.length; state++) {
      firstRow[state] = firstRow[state - 1]! + candidates[state - 1]!
    }
    this.#sets.push({ episodes, firstState, firstRow })
    this.size += candidates.length
    while (this.#sets.length > 1 && this.size > this.#options.most) {
      this.size -= this.#sets.shift()!.episodes.candidates.length
    }
  }

  /**
   * `count` random transitions: `rows [count, places, rowLength]`, `context`, `mask`, the action as `taken [count, places]` 0 or
   * 1, `reward [count, objectives]` in units, `share [count, objectives]` of the objectives, `discount [count, 1]` (0 where
   * nothing follows), and the next state.
   *
   * @param views under how many preferences each next state is seen, one after the other: the transition's own first, others
   *   drawn anew. The first dimension of what is said of next states is `count · views`.
   */
  draw(random: RandomStream, count: number, views = 1): TransitionBatch {
    const { rowLength, contextLength, objectives } = this.#encoding
    const places = this.#places
    const { relabelled, discount, spread } = this.#options
    const tensor = (...dims: number[]): Tensor<'float32'> => ({
      dtype: 'float32',
      dims,
      data: new Float32Array(dims.reduce((product, dim) => product * dim, 1)),
    })
    const batch: TransitionBatch = {
      rows: tensor(count, places, rowLength),
      context: tensor(count, contextLength),
      mask: tensor(count, places),
      taken: tensor(count, places),
      reward: tensor(count, objectives),
      share: tensor(count, objectives),
      discount: tensor(count, 1),
      nextRows: tensor(count * views, places, rowLength),
      nextContext: tensor(count * views, contextLength),
      nextMask: tensor(count * views, places),
    }
    const weights = new Float64Array(objectives)
    const units = new Float64Array(objectives)
    for (let at = 0; at < count; at++) {
      const { set, episode, step } = this.#pick(random)
      const { episodes, firstState } = set
      const state = firstState[episode]! + step
      this.#copy(set, state, at, batch.rows, batch.context, batch.mask)
      batch.taken.data[at * places + episodes.actions[state]!] = 1
      batch.reward.data.set(
        episodes.rewards.subarray(state * objectives, (state + 1) * objectives),
        at * objectives,
      )
      const last = step === episodes.steps[episode]! - 1
      batch.discount.data[at] = last && episodes.ended[episode] === 1 ? 0 : discount
      units[0] = 1
      for (let objective = 1; objective < objectives; objective++) {
        units[objective] = Math.exp(
          4 * batch.context.data[at * contextLength + 3 * objectives - 2 + objective]!,
        )
      }
      const isRelabelled = random.uniform() < relabelled
      if (isRelabelled) {
        samplePreference(random, units, weights, spread)
        this.#weigh(weights, episodes.candidates[state]!, at, batch.rows, batch.context)
      }
      for (let view = 0; view < views; view++) {
        const place = at * views + view
        this.#copy(set, state + 1, place, batch.nextRows, batch.nextContext, batch.nextMask)
        if (view > 0) samplePreference(random, units, weights, spread)
        if (view === 0 && !isRelabelled) continue
        this.#weigh(weights, episodes.candidates[state + 1]!, place, batch.nextRows, batch.nextContext)
      }
      const shares = at * contextLength + objectives
      batch.share.data.set(batch.context.data.subarray(shares, shares + objectives), at * objectives)
    }
    return batch
  }

  #pick(random: RandomStream): { set: EpisodeSet; episode: number; step: number } {
    for (;;) {
      let state = random.below(this.size)
      let at = 0
      while (state >= this.#sets[at]!.episodes.candidates.length) {
        state -= this.#sets[at++]!.episodes.candidates.length
      }
      const set = this.#sets[at]!
      let low = 0
      for (let high = set.firstState.length; high - low > 1; ) {
        const middle = (low + high) >> 1
        if (set.firstState[middle]! <= state) low = middle
        else high = middle
      }
      const step = state - set.firstState[low]!
      // An episode's last state begins no transition.
      if (step < set.episodes.steps[low]!) return { set, episode: low, step }
    }
  }

  #weigh(
    weights: Float64Array,
    candidates: number,
    at: number,
    rows: Tensor<'float32'>,
    context: Tensor<'float32'>,
  ): void {
    const { rowLength, contextLength } = this.#encoding
    weigh(
      weights,
      candidates,
      rows.data,
      at * this.#places * rowLength,
      rowLength,
      context.data,
      at * contextLength,
    )
  }

  #copy(
    { episodes, firstRow }: EpisodeSet,
    state: number,
    at: number,
    rows: Tensor<'float32'>,
    context: Tensor<'float32'>,
    mask: Tensor<'float32'>,
  ): void {
    const { rowLength, contextLength } = this.#encoding
    const candidates = episodes.candidates[state]!
    const first = firstRow[state]! * rowLength
    rows.data.set(
      episodes.rows.subarray(first, first + candidates * rowLength),
      at * this.#places * rowLength,
    )
    context.data.set(
      episodes.context.subarray(state * contextLength, (state + 1) * contextLength),
      at * contextLength,
    )
    mask.data.fill(1, at * this.#places, at * this.#places + candidates)
  }
}
