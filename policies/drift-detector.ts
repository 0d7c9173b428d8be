export interface DriftOptions {
  /** Newest samples that are looked at. */
  readonly samples?: number
  /** Standard deviation over mean from which on they are no longer one level. */
  readonly variation?: number
  /** What is smaller on average than this varies without meaning anything. */
  readonly leastMean?: number
}

/**
 * Tells when a measured quantity leaves its level: the coefficient of variation of the newest 10 samples exceeds 15 %
 * (the rule of SCIoT, UBICO/SCIoT_python_client). It drifts until they are close together again; what is always noisy
 * drifts all the time, and is told once.
 */
export class DriftDetector {
  readonly #size: number
  readonly #variation: number
  readonly #leastMean: number
  #samples: number[] = []
  #drifting = false

  constructor({ samples = 10, variation = 0.15, leastMean = 0 }: DriftOptions = {}) {
    this.#size = samples
    this.#variation = variation
    this.#leastMean = leastMean
  }

  /** Whether the newest samples are of no one level. */
  get drifting(): boolean {
    return this.#drifting
  }

  /** Takes a sample; true when a drift begins with it. */
  add(value: number): boolean {
    this.#samples.push(value)
    if (this.#samples.length < this.#size) return false
    const { variation, mean } = spreadOf(this.#samples)
    const before = this.#drifting
    this.#drifting = mean >= this.#leastMean && variation > this.#variation
    this.#samples.shift()
    return this.#drifting && !before
  }
}

/** Mean, and standard deviation (of the sample) over mean, which is 0 where the mean is. */
function spreadOf(values: readonly number[]): { mean: number; variation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { mean, variation: mean > 0 ? Math.sqrt(squares / (values.length - 1)) / mean : 0 }
}
