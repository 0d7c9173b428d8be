import { quantile } from './quantile.ts'

export interface StageTimesOptions {
  /** Newest samples kept per stage. */
  readonly window?: number
  /** The quantile that `upper` returns unless told otherwise. */
  readonly upperQuantile?: number
}

/**
 * Measured times of named stages ('head', 'tail:3' ...), each over a sliding window of its newest samples, so
 * that a device that heats up or a server that fills is seen within one window.
 */
export class StageTimes {
  readonly #window: number
  readonly #upperQuantile: number
  readonly #stages = new Map<string, { samples: number[]; next: number; upper: number | undefined }>()

  constructor(options: StageTimesOptions = {}) {
    this.#window = options.window ?? 48
    this.#upperQuantile = options.upperQuantile ?? 0.9
  }

  /** Takes one measured time in ms. Negative and non-finite ones are ignored. */
  add(stage: string, ms: number): void {
    if (!(ms >= 0) || !Number.isFinite(ms)) return
    let entry = this.#stages.get(stage)
    if (!entry) {
      entry = { samples: [], next: 0, upper: undefined }
      this.#stages.set(stage, entry)
    }
    entry.samples[entry.next] = ms
    entry.next = (entry.next + 1) % this.#window
    entry.upper = undefined
  }

  /** Upper quantile of the stage's time in ms; undefined when it was never measured. */
  upper(stage: string): number | undefined {
    const entry = this.#stages.get(stage)
    if (!entry) return undefined
    entry.upper ??= quantile(entry.samples, this.#upperQuantile)
    return entry.upper
  }

  /** Longest time in the window in ms; undefined when the stage was never measured. */
  longest(stage: string): number | undefined {
    const entry = this.#stages.get(stage)
    return entry && Math.max(...entry.samples)
  }

  /** Median time in ms; undefined when the stage was never measured. */
  median(stage: string): number | undefined {
    const entry = this.#stages.get(stage)
    return entry && quantile(entry.samples, 0.5)
  }

  /** Samples in the stage's window. */
  count(stage: string): number {
    return this.#stages.get(stage)?.samples.length ?? 0
  }

  stages(): string[] {
    return [...this.#stages.keys()]
  }
}
