import { type EnvironmentPolicy, type ForkableEnvironment, RandomStream } from '../env/index.ts'

export interface TeacherOptions {
  /** Steps to look ahead. Default 40. */
  readonly steps?: number
  /** Futures to sample for each state. Default 3. */
  readonly futures?: number
}

/**
 * A teacher that looks ahead: forks the environment for each action, lets a base policy go on, and adds the rewards up. All
 * actions meet the same futures (common random numbers), so that few are enough to tell actions apart, and a network that is
 * fitted to many states averages the rest away.
 */
export class Teacher<Observation> {
  readonly steps: number
  readonly futures: number
  readonly #base: EnvironmentPolicy<Observation>
  readonly #random = new RandomStream(0)

  constructor(base: EnvironmentPolicy<Observation>, { steps = 40, futures = 3 }: TeacherOptions = {}) {
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
   * @param fork an environment made with the same options, used to try things out
   * @param actions those to try, valid ones
   * @param weights ω of the base policy
   * @param values `[actions, objectives]`, written for those tried
   */
  values(
    environment: ForkableEnvironment<Observation>,
    fork: ForkableEnvironment<Observation>,
    actions: readonly number[],
    weights: ArrayLike<number>,
    values: Float64Array,
  ): void {
    const objectives = weights.length
    for (const action of actions) values.fill(0, action * objectives, (action + 1) * objectives)
    for (let future = 0; future < this.futures; future++) {
      const seed = this.#random.bits()
      for (const action of actions) {
        fork.forkFrom(environment, seed)
        let next = action
        for (let step = 0; step <= this.steps; step++) {
          const { reward, terminated, truncated } = fork.step(next)
          for (let objective = 0; objective < objectives; objective++) {
            values[action * objectives + objective]! += reward[objective]! / this.futures
          }
          if (terminated || truncated) break
          next = this.#base.act(fork.observation, weights)
        }
      }
    }
  }
}
