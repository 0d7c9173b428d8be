import type { Sample } from '@isthmus/proto'
import { type Family, pixelsOf, toPlanes } from './family.ts'
import { FairQueue, type FairQueueOptions, type FairQueueState, type Upload } from './fair-queue.ts'
import { UploadLedger, type UploadLedgerOptions, type UploadLedgerState } from './upload-ledger.ts'

/**
 * What became of an upload. `taken`: it waits to be judged. `displaced` is counted besides, for the older one that made room.
 * The others were refused before anything was allocated for them.
 */
export const uploadOutcomes = [
  'taken',
  'displaced',
  'unknown-family',
  'not-offered',
  'wrong-size',
  'not-finite',
  'repeated',
  'too-fast',
] as const
export type UploadOutcome = (typeof uploadOutcomes)[number]

export interface SampleIntakeOptions {
  readonly families: readonly Family[]
  readonly ledger: UploadLedgerOptions
  readonly queue: FairQueueOptions
}

/** Of one family: what must outlive the process. `waiting` holds pixels. */
export interface IntakeState {
  readonly ledger: UploadLedgerState
  readonly waiting: ReadonlyMap<number, FairQueueState>
}

/**
 * Takes uploads in: checks them against what the server knows of the family, admits each once, bounds how many a device may bring,
 * and lines them up by family. No I/O; time is a parameter.
 */
export class SampleIntake {
  readonly #families: ReadonlyMap<number, Family>
  readonly #ledger: UploadLedger
  readonly #waiting: ReadonlyMap<number, FairQueue>

  constructor({ families, ledger, queue }: SampleIntakeOptions, state?: IntakeState, nowMs = 0) {
    this.#families = new Map(families.map((family) => [family.key, family]))
    this.#ledger = new UploadLedger(ledger, state?.ledger, nowMs)
    this.#waiting = new Map(
      families.map(({ key }) => [key, new FairQueue(queue, state?.waiting.get(key), nowMs)]),
    )
  }

  /** Devices that are remembered. */
  get devices(): number {
    return this.#ledger.size
  }

  family(key: number): Family | undefined {
    return this.#families.get(key)
  }

  waiting(family: number): FairQueue {
    return this.#waiting.get(family)!
  }

  /**
   * What a device has sent, `device` being the owner of the topic that it came by. `boot` is the message's. The payload is copied
   * when it is taken, and not before.
   */
  receive(
    device: string,
    boot: number,
    sample: Sample,
    payload: Uint8Array,
    nowMs: number,
  ): readonly UploadOutcome[] {
    const family = this.#families.get(sample.family)
    if (!family) return ['unknown-family']
    if (sample.input !== 'pixels') return ['not-offered']
    const [channels, height, width] = family.imageDims
    const fits = String(sample.dims) === String([height, width, channels]) && payload.length === pixelsOf(family)
    if (!fits) return ['wrong-size']
    if (!(sample.entropy >= 0 && sample.entropy < Number.POSITIVE_INFINITY)) return ['not-finite']
    const uploader = this.#ledger.touch(device, nowMs)
    // Before its number is remembered: what comes too fast may be sent again later.
    if (!uploader.rate.take(nowMs)) return ['too-fast']
    if (!uploader.numbers.admit(boot, sample.number)) return ['repeated']
    const upload: Upload = { device, pixels: toPlanes(payload, family.imageDims) }
    const displaced = this.#waiting.get(family.key)!.add(upload, nowMs)
    return displaced > 0 ? ['taken', 'displaced'] : ['taken']
  }

  /** Whether a device may be sent a snapshot now. */
  mayHaveSnapshot(device: string, nowMs: number): boolean {
    return this.#ledger.touch(device, nowMs).snapshots.take(nowMs)
  }

  /** `withPixels`: false leaves out what was uploaded; only numbers remain. */
  state(nowMs: number, withPixels: boolean): IntakeState {
    return {
      ledger: this.#ledger.state(),
      waiting: withPixels
        ? new Map([...this.#waiting].map(([key, queue]) => [key, queue.state(nowMs)]))
        : new Map(),
    }
  }
}
