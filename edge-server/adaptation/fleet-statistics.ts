import type { Moments } from '@isthmus/models/adapt'

export interface FleetStatisticsOptions {
  /** Devices that are remembered; the one that has been silent longest is forgotten first. */
  readonly capacity: number
  /** How long what a device has told counts. */
  readonly activeForMs: number
  readonly packed: Moments
}

/** With so many devices, one of them is outvoted in every channel. */
const OUTVOTING = 3
/** Of the devices, who must see another world: more than the share that may be hostile, as for the look of uploads. */
const SUPPORT = 0.2

/**
 * What the devices of a family have told of their frames, and its centre: for each channel the median over those that see another world than the
 * packed network's. Less than half of them, whatever they tell, cannot move it beyond what the others have told.
 */
export class FleetStatistics {
  readonly #options: FleetStatisticsOptions
  /** In the order in which they were last heard. */
  readonly #told = new Map<string, { readonly moments: Moments | undefined; readonly atMs: number }>()

  constructor(options: FleetStatisticsOptions) {
    this.#options = options
  }

  get devices(): number {
    return this.#told.size
  }

  /** `moments`: undefined where the packed network fits. */
  take(device: string, moments: Moments | undefined, nowMs: number): void {
    this.#told.delete(device)
    this.#told.set(device, { moments, atMs: nowMs })
    if (this.#told.size > this.#options.capacity) {
      const [longestSilent] = this.#told.keys()
      this.#told.delete(longestSilent!)
    }
  }

  /**
   * Undefined where too few have told of another world: less than a fifth of the devices, or fewer than three that are not most of them. Of an even
   * number the one in the middle that is nearer to the packed network counts, so that of two devices one alone cannot lead away from it.
   *
   * @param uploaders devices that send pictures to be learned from, whether or not they tell anything
   */
  centre(nowMs: number, uploaders = 0): Moments | undefined {
    const { activeForMs, packed } = this.#options
    const active = [...this.#told.values()].filter(({ atMs }) => nowMs - atMs <= activeForMs)
    const own = active.flatMap(({ moments }) => moments ?? [])
    const devices = Math.max(active.length, uploaders)
    const isMinority = own.length < OUTVOTING ? 2 * own.length <= devices : own.length < SUPPORT * devices
    if (own.length === 0 || isMinority) return undefined
    const of = (kind: keyof Moments) =>
      middle(
        own.map((moments) => moments[kind]),
        packed[kind],
      )
    return { mean: of('mean'), variance: of('variance') }
  }
}

/** Of each place, the median. */
function middle(vectors: readonly Float32Array[], packed: Float32Array): Float32Array {
  const column = new Float32Array(vectors.length)
  const [low, high] = [(vectors.length - 1) >> 1, vectors.length >> 1]
  return packed.map((base, at) => {
    vectors.forEach((vector, row) => {
      column[row] = vector[at]!
    })
    column.sort()
    const [a, b] = [column[low]!, column[high]!]
    return Math.abs(a - base) <= Math.abs(b - base) ? a : b
  })
}
