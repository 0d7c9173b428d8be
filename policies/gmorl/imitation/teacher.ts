import { type ForkableEnvironment, RandomStream } from '../../env/index.ts'
import type { GroupPolicy } from '../network/group-policy.ts'

export interface TeacherOptions {
  /** Steps to look ahead. Default 40. */
  readonly steps?: number
  /** Futures to sample for each state. Default 3. */
  readonly futures?: number
}

/**
 * A teacher that looks ahead: forks the environment for each action, lets a base policy go on, and adds the rewards up. All
 * actions meet the same futures (common random numbers), so that few are enough to tell actions apart, and a network that is
 * fitted to many states averages the rest away. All forks go step by step together, so that the base policy decides for all at once.
 */
export class Teacher<Observation> {
  readonly steps: number
  readonly futures: number
  readonly #base: GroupPolicy<Observation>
  readonly #random = new RandomStream(0)

  constructor(base: GroupPolicy<Observation>, { steps = 40, futures = 3 }: TeacherOptions = {}) {
    this.#base = base
    this.steps = steps
    this.futures = futures
  }

  seed(...words: readonly number[]): void {
    this.#random.seed(...words)
  }

  /**
   * Sums of the rewards of each action tried and of what the base policy does after it, the mean over the futures.
   *
   * @param forks made with the same options, used to try things out: one for each action and future
   * @param actions those to try, valid ones
   * @param weights ω of the base policy
   * @param values `[actions, objectives]`, written for those tried
   */
  async values(
    environment: ForkableEnvironment<Observation>,
    forks: readonly ForkableEnvironment<Observation>[],
    actions: readonly number[],
    weights: ArrayLike<number>,
    values: Float64Array,
  ): Promise<void> {
    const objectives = weights.length
    for (const action of actions) values.fill(0, action * objectives, (action + 1) * objectives)
    const going: { fork: ForkableEnvironment<Observation>; action: number }[] = []
    for (let future = 0; future < this.futures; future++) {
      const seed = this.#random.bits()
      for (const action of actions) {
        const fork = forks[going.length]!
        fork.forkFrom(environment, seed)
        going.push({ fork, action })
      }
    }
    const next = Int32Array.from(going, ({ action }) => action)
    for (let step = 0; step <= this.steps; step++) {
      let left = 0
      for (const [at, { fork, action }] of going.entries()) {
        const { reward, terminated, truncated } = fork.step(next[at]!)
        for (let objective = 0; objective < objectives; objective++) {
          values[action * objectives + objective]! += reward[objective]! / this.futures
        }
        if (!(terminated || truncated)) going[left++] = going[at]!
      }
      going.length = left
      if (left === 0 || step === this.steps) break
      const pending = this.#base.act(
        going.map(({ fork }) => fork.observation),
        weights,
        next,
      )
      if (pending) await pending
    }
  }
}
