import { DriftDetector, type DriftOptions } from './drift-detector.ts'
import { quantile } from './quantile.ts'

export interface StageTimesOptions {
  /** Newest samples kept per stage. */
  readonly window?: number
  /** The quantile that `upper` returns unless told otherwise. */
  readonly upperQuantile?: number
  /** When a stage has left its level. Stages below 1 ms are not looked at: their noise decides nothing. */
  readonly drift?: DriftOptions
}

interface Stage {
  readonly detector: DriftDetector
  /** Newest last. */
  readonly samples: number[]
  /** How many of the newest count; fewer than there are after a drift. */
  counting: number
  drifts: number
  upper: number | undefined
}

/**
 * Measured times of named stages ('head', 'tail:3' ...), each over a sliding window of its newest samples, so
 * that a device that heats up or a server that fills is seen within one window, and after a drift (only the
 * samples since then count) within ten.
 */
export class StageTimes {
  readonly #window: number
  readonly #upperQuantile: number
  readonly #drift: Required<Pick<DriftOptions, 'samples'>> & DriftOptions
  readonly #stages = new Map<string, Stage>()

  constructor(options: StageTimesOptions = {}) {
    this.#window = options.window ?? 48
    this.#upperQuantile = options.upperQuantile ?? 0.9
    this.#drift = { samples: 10, leastMean: 1, ...options.drift }
  }

  /** Takes one measured time in ms. Negative and non-finite ones are ignored. */
  add(stage: string, ms: number): void {
    if (!(ms >= 0) || !Number.isFinite(ms)) return
    const entry = this.#stages.get(stage) ?? this.#open(stage)
    entry.samples.push(ms)
    if (entry.samples.length > this.#window) entry.samples.shift()
    entry.counting = Math.min(entry.counting + 1, this.#window)
    entry.upper = undefined
    if (entry.detector.add(ms)) entry.drifts++
    if (entry.detector.drifting) entry.counting = Math.min(entry.counting, this.#drift.samples)
  }

  /** Upper quantile of the stage's time in ms; undefined when it was never measured. */
  upper(stage: string): number | undefined {
    const entry = this.#stages.get(stage)
    if (!entry) return undefined
    entry.upper ??= quantile(counted(entry), this.#upperQuantile)
    return entry.upper
  }

  /** Longest time in the window in ms, drift or not; undefined when the stage was never measured. */
  longest(stage: string): number | undefined {
    const entry = this.#stages.get(stage)
    return entry && Math.max(...entry.samples)
  }

  /** Median time in ms; undefined when the stage was never measured. */
  median(stage: string): number | undefined {
    const entry = this.#stages.get(stage)
    return entry && quantile(counted(entry), 0.5)
  }

  /** Samples in the stage's window that count. */
  count(stage: string): number {
    return this.#stages.get(stage)?.counting ?? 0
  }

  /** How often the stage has left its level. */
  drifts(stage: string): number {
    return this.#stages.get(stage)?.drifts ?? 0
  }

  stages(): string[] {
    return [...this.#stages.keys()]
  }

  #open(stage: string): Stage {
    const detector = new DriftDetector(this.#drift)
    const entry: Stage = { detector, samples: [], counting: 0, drifts: 0, upper: undefined }
    this.#stages.set(stage, entry)
    return entry
  }
}

const counted = ({ samples, counting }: Stage): number[] => samples.slice(-counting)
