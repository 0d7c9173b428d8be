import type { RandomStream } from '../../env/index.ts'

/**
 * Runs of one random action while collecting (temporally extended ε-greedy, Dabney et al. 2021, arXiv 2006.01782): where a reward lies
 * many steps away, actions that are drawn one by one hardly ever get there.
 */
export class Wandering {
  readonly #random: RandomStream
  readonly #share: number
  #action = 0
  #left = 0

  /** @param share of decisions, made outside a run, that begin one; 0 draws nothing from `random` */
  constructor(random: RandomStream, share: number) {
    this.#random = random
    this.#share = share
  }

  /** An episode begins: no run goes on into it. */
  begin(): void {
    this.#left = 0
  }

  /**
   * The action to take in place of the policy's, or undefined.
   *
   * @param scores of the policy, −∞ for what may not be taken: that ends a run
   */
  next(scores: Float32Array, candidates: number): number | undefined {
    if (this.#left === 0 && this.#share > 0 && this.#random.uniform() < this.#share) {
      this.#action = this.#random.below(candidates)
      this.#left = runLength(this.#random)
    }
    if (this.#left === 0) return undefined
    const isOpen = this.#action < candidates && scores[this.#action]! > -Infinity
    this.#left = isOpen ? this.#left - 1 : 0
    return isOpen ? this.#action : undefined
  }
}

/** n steps or more with probability 1 / n: most runs are short, and now and then one goes far. */
const runLength = (random: RandomStream): number => Math.floor(1 / (1 - random.uniform()))
