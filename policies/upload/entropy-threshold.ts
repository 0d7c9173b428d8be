import { optionChecks } from '../option-checks.ts'

export interface ThresholdOptions {
  /** Classes of the network: at least 2. */
  readonly classes: number
  /** E_max(0) in multiples of ln(classes). Default 0.4. */
  readonly highest?: number
  /** Samples after which the threshold begins to follow their mean entropy. Default 64; Infinity: never. */
  readonly warmUp?: number
  /** λ: what the moving threshold is multiplied by, once. Default 1. */
  readonly factor?: number
  /** Where the moving threshold stops, in multiples of ln(classes). Defaults 0.04 and 0.8. */
  readonly floor?: number
  readonly ceiling?: number
}

/** What a threshold has seen; plain data that can be stored. */
export interface ThresholdState {
  readonly count: number
  readonly mean: number
  /** Mean entropy at the end of the warm-up; undefined before. */
  readonly warmMean: number | undefined
}

/**
 * The entropy above which an answer is too uncertain to learn from: E_max(t) = λ · E_max(0) · Ē(t) / Ē(warm). Ē is the mean entropy of
 * all samples so far, those that are not sent among them. λ acts once, not at every step, and the result is clamped: so the threshold
 * can neither die away nor grow without end. With λ = 1 this is the recurrence of CEMA (Chen et al., ICLR 2024).
 */
export class EntropyThreshold {
  readonly #start: number
  readonly #warmUp: number
  readonly #factor: number
  readonly #floor: number
  readonly #ceiling: number
  readonly #least: number
  #count = 0
  #mean = 0
  #warmMean: number | undefined

  /** Throws BAD_OPTION. */
  constructor(options: ThresholdOptions) {
    const { classes, highest = 0.4, warmUp = 64, factor = 1, floor = 0.04, ceiling = 0.8 } = options
    const check = optionChecks('upload threshold')
    check.integer('classes', classes, 2, 1e6)
    check.within('highest', highest, 1e-6, 1)
    check.within('factor', factor, 1e-6, 1e6)
    check.within('floor', floor, 1e-9, highest)
    check.within('ceiling', ceiling, highest, 1e6)
    if (warmUp !== Number.POSITIVE_INFINITY) check.integer('warmUp', warmUp, 1, 1e12)
    const unit = Math.log(classes)
    this.#start = highest * unit
    this.#floor = floor * unit
    this.#ceiling = ceiling * unit
    this.#least = 1e-9 * unit
    this.#warmUp = warmUp
    this.#factor = factor
  }

  /** E_max(t), in nats. */
  get value(): number {
    if (this.#warmMean === undefined) return this.#start
    const followed = (this.#start * this.#factor * this.#mean) / this.#warmMean
    return Math.min(this.#ceiling, Math.max(this.#floor, followed))
  }

  get state(): ThresholdState {
    return { count: this.#count, mean: this.#mean, warmMean: this.#warmMean }
  }

  /** Counts one sample, whether it is sent or not. */
  add(entropy: number): void {
    this.#count++
    this.#mean += (entropy - this.#mean) / this.#count
    // A network that was sure of every sample has a mean of 0: nothing can be measured against that.
    if (this.#count >= this.#warmUp && this.#warmMean === undefined)
      this.#warmMean = Math.max(this.#mean, this.#least)
  }

  /** Goes on from what was stored. Throws BAD_OPTION for a state that none of these can have. */
  restore({ count, mean, warmMean }: ThresholdState): void {
    const check = optionChecks('upload threshold')
    check.integer('count', count, 0, Number.MAX_SAFE_INTEGER)
    check.within('mean', mean, 0, 1e6)
    if (warmMean !== undefined) check.within('warmMean', warmMean, this.#least, 1e6)
    this.#count = count
    this.#mean = mean
    this.#warmMean = warmMean
  }
}
