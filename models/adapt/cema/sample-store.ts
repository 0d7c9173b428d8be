import type { Random } from '../../data/index.ts'

/** The newest uploads, as they came. Plain data, so that it survives its process. */
export class SampleStore {
  readonly limit: number
  readonly samples: Uint8Array[]
  #next: number

  constructor(limit: number, samples: readonly Uint8Array[] = [], next = samples.length % limit) {
    this.limit = limit
    this.samples = [...samples]
    this.#next = next
  }

  get size(): number {
    return this.samples.length
  }

  /** Where the next upload goes, once the store is full: the place of the oldest. */
  get next(): number {
    return this.#next
  }

  add(sample: Uint8Array): void {
    this.samples[this.#next] = sample
    this.#next = (this.#next + 1) % this.limit
  }

  /** `count` different samples, each as likely as any other. */
  draw(count: number, random: Random): Uint8Array[] {
    const chosen = new Set<number>()
    // Floyd's way: no list of all places.
    for (let last = this.size - count; last < this.size; last++) {
      const at = random.below(last + 1)
      chosen.add(chosen.has(at) ? last : at)
    }
    return [...chosen].map((at) => this.samples[at]!)
  }
}
