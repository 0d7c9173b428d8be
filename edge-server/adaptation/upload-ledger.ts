import { TokenBucket } from '@isthmus/policies'
import { type ReplayState, ReplayWindow } from '../dispatch/replay-window.ts'

/** What is remembered of one device that uploads. */
export interface Uploader {
  readonly device: string
  readonly numbers: ReplayWindow
  readonly rate: TokenBucket
  /** Limits what it tells of its frames. */
  readonly statistics: TokenBucket
  /** Limits the snapshots that it is sent. */
  readonly snapshots: TokenBucket
}

export interface UploadLedgerOptions {
  /** Devices that are remembered; the one that has been silent longest is forgotten first. */
  readonly capacity: number
  /** Uploads that a device may have taken, on average and at once. */
  readonly perSecond: number
  readonly burst: number
  readonly snapshotsPerSecond: number
  readonly snapshotsAtOnce: number
}

/** Numbers of the uploads that were seen, by device: what must outlive the process, for an upload to be learned from once. */
export type UploadLedgerState = readonly { readonly device: string; readonly numbers: ReplayState }[]

/** A device tells them once a minute, and when they begin anew. */
const STATISTICS_PER_SECOND = 1 / 10
const STATISTICS_AT_ONCE = 6

export class UploadLedger {
  readonly #options: UploadLedgerOptions
  /** In the order in which they were last heard. */
  readonly #uploaders = new Map<string, Uploader>()

  constructor(options: UploadLedgerOptions, state: UploadLedgerState = [], nowMs = 0) {
    this.#options = options
    for (const { device, numbers } of state.slice(-options.capacity))
      this.#uploaders.set(device, this.#uploader(device, nowMs, numbers))
  }

  /** The record of a device, made if it is new. */
  touch(device: string, nowMs: number): Uploader {
    const known = this.#uploaders.get(device)
    if (known) this.#uploaders.delete(device)
    const uploader = known ?? this.#uploader(device, nowMs)
    this.#uploaders.set(device, uploader)
    if (this.#uploaders.size > this.#options.capacity) {
      const [longestSilent] = this.#uploaders.keys()
      this.#uploaders.delete(longestSilent!)
    }
    return uploader
  }

  get size(): number {
    return this.#uploaders.size
  }

  state(): UploadLedgerState {
    return [...this.#uploaders.values()].map(({ device, numbers }) => ({ device, numbers: numbers.state() }))
  }

  #uploader(device: string, nowMs: number, numbers?: ReplayState): Uploader {
    const { perSecond, burst, snapshotsPerSecond, snapshotsAtOnce } = this.#options
    return {
      device,
      numbers: new ReplayWindow(numbers),
      rate: new TokenBucket(perSecond, burst, nowMs),
      statistics: new TokenBucket(STATISTICS_PER_SECOND, STATISTICS_AT_ONCE, nowMs),
      snapshots: new TokenBucket(snapshotsPerSecond, snapshotsAtOnce, nowMs),
    }
  }
}
