/** What a figure is to reach. `about` is a value known to be reachable elsewhere: shown, never failed. */
export type Target = { readonly atMost: number } | { readonly atLeast: number } | { readonly about: number }

/** A figure as a suite promises it. */
export interface FigureSpec {
  readonly name: string
  /** What it is, in a line. */
  readonly meaning: string
  readonly target: Target
  /**
   * `result`: the same on every machine, so that missing the target is a fault of the code. `speed`: depends on the
   * machine and on what else runs there.
   */
  readonly kind: 'result' | 'speed'
}

/** Anything JSON can hold: how a figure came about (seeds, runs, intervals). */
export type Detail =
  | string
  | number
  | boolean
  | null
  | readonly Detail[]
  | { readonly [key: string]: Detail | undefined }

/** What a suite has measured. */
export interface Measurement {
  readonly figures: Readonly<Record<string, number | undefined>>
  /** Figures that could not be measured here, and why. */
  readonly missing?: Readonly<Record<string, string>>
  /** The same work done by somebody else's software in the same run. */
  readonly peers: Readonly<Record<string, Detail>>
  readonly detail: Readonly<Record<string, Detail | undefined>>
  /**
   * The suite's own judgement of a `result`, in place of comparing it with its target: null when it is right, else what is
   * wrong. For suites that know the uncertainty of what they measured, and for results that came out as no number at all.
   */
  readonly verdicts?: Readonly<Record<string, string | null>>
}

export interface SuiteContext {
  /** The same things, fewer times: done within 30 s. */
  readonly quick: boolean
  /** Folder of bundles. */
  readonly bundles: string
  /** Threads that the suite may use, where it does not say otherwise. */
  readonly threads: number
  /** The only parts to measure, of a suite that has parts. Default: all. */
  readonly parts?: readonly string[]
  /** Tells what is being done. */
  readonly say: (line: string) => void
}

export interface Suite {
  readonly name: string
  readonly meaning: string
  readonly figures: readonly FigureSpec[]
  /** Names of parts that can be measured alone, where a whole run is long. */
  readonly parts?: readonly string[]
  measure(context: SuiteContext): Promise<Measurement>
}

/** Whether a value reaches its target. */
export function reaches(value: number, target: Target): boolean {
  if ('atMost' in target) return value <= target.atMost
  if ('atLeast' in target) return value >= target.atLeast
  return true
}

export function describeTarget(target: Target): string {
  if ('atMost' in target) return `≤ ${target.atMost}`
  if ('atLeast' in target) return `≥ ${target.atLeast}`
  return `about ${target.about}`
}
