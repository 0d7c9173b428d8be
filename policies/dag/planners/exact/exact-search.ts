import type { SchedulePlan } from '../../schedule/plan.ts'

/** A search for the cheapest schedule that can be left and gone on with. */
export interface ExactSearch {
  /** Cheapest schedule found that cost less than the limit then. */
  readonly best: SchedulePlan | undefined
  /** What it looks for costs less: what it was told, less once it has found something. */
  readonly limit: number
  /** Whether every schedule below the limit was looked at or ruled out. */
  readonly complete: boolean
  /** Nothing costs less, unless it is what was found. */
  readonly lowerBound: number
  readonly nodes: number

  /**
   * Goes on for some nodes.
   *
   * @param limit what others have found: from now on it looks for less
   * @param late asked from time to time whether to stop
   */
  advance(limit: number, maxNodes: number, late: () => boolean): void
}
