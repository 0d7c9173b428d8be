import type { RandomStream } from '../../../env/index.ts'

/** Whole numbers from 1 on, by their weights. */
export class DiscreteDistribution {
  readonly values: Int32Array
  readonly weights: Float64Array
  /** `[i]`: weight of all before value i. */
  private readonly before: Float64Array

  constructor(pairs: readonly (readonly [value: number, weight: number])[]) {
    const present = pairs.filter(([, weight]) => weight > 0)
    this.values = Int32Array.from(present, ([value]) => value)
    this.weights = Float64Array.from(present, ([, weight]) => weight)
    this.before = new Float64Array(present.length + 1)
    for (const [at, weight] of this.weights.entries()) this.before[at + 1] = this.before[at]! + weight
  }

  /** Words are the weights of 1, 2, 3 …; `20:7` is the weight of 20, and the next word that of 21. */
  static read(text: string): DiscreteDistribution {
    let value = 0
    return new DiscreteDistribution(
      text
        .trim()
        .split(/\s+/)
        .map((word) => {
          const [head, tail] = word.split(':')
          value = tail === undefined ? value + 1 : Number(head)
          return [value, Number(tail ?? head)]
        }),
    )
  }

  /** Weight of the values from `least` to `most`. */
  weightOf(least: number, most: number): number {
    return this.before[this.firstFrom(most + 1)]! - this.before[this.firstFrom(least)]!
  }

  /** One of the values from `least` to `most`, which have a weight. */
  draw(random: RandomStream, least = 0, most: number = Number.MAX_SAFE_INTEGER): number {
    const from = this.firstFrom(least)
    const to = this.firstFrom(most + 1)
    const wanted = random.between(this.before[from]!, this.before[to]!)
    let low = from
    let high = to - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.before[middle + 1]! > wanted) high = middle
      else low = middle + 1
    }
    return this.values[low]!
  }

  /** Index of the first value that is `bound` or more. */
  private firstFrom(bound: number): number {
    const at = this.values.findIndex((value) => value >= bound)
    return at < 0 ? this.values.length : at
  }
}
