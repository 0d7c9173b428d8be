/** Whether `weights` are `objectives` numbers from 0 to 1 with sum 1 (to 1e-6). Throws nothing, whatever it is given. */
export function areWeights(weights: ArrayLike<number> | null | undefined, objectives: number): boolean {
  if (weights?.length !== objectives) return false
  let sum = 0
  for (let at = 0; at < objectives; at++) {
    const weight = weights[at]!
    if (typeof weight !== 'number' || !(weight >= 0 && weight <= 1)) return false
    sum += weight
  }
  return Math.abs(sum - 1) <= 1e-6
}

/** The newest preference that was sound: what to decide by when one is not. Before the first it is even. Allocates nothing. */
export class SoundWeights {
  /** ω, one an objective, sum 1. */
  readonly values: Float64Array
  /** Preferences that were not sound. */
  refused = 0

  constructor(objectives: number) {
    this.values = new Float64Array(objectives).fill(1 / objectives)
  }

  /** Takes over `weights` if they are sound, and counts them if not. */
  take(weights: ArrayLike<number> | null | undefined): void {
    const { values } = this
    if (!areWeights(weights, values.length)) {
      this.refused++
      return
    }
    for (let at = 0; at < values.length; at++) values[at] = weights![at]!
  }
}
