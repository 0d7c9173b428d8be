import type { Sample } from '@isthmus/proto'
import { FairQueue, type FairQueueOptions, type FairQueueState, type Upload } from './fair-queue.ts'
import { type Family, pixelsOf, toPlanes } from './family.ts'
import { UploadLedger, type UploadLedgerOptions, type UploadLedgerState } from './upload-ledger.ts'

/**
 * What became of an upload. `taken`: it waits to be judged. `displaced` is counted besides, for the older one that made room.
 * The others were refused before anything was allocated for them.
 */
export const uploadOutcomes = [
  'taken',
  'displaced',
  'not-offered',
  'wrong-size',
  'not-finite',
  'repeated',
  'too-fast',
] as const
export type UploadOutcome = (typeof uploadOutcomes)[number]

export interface SampleIntakeOptions {
  readonly family: Family
  readonly ledger: UploadLedgerOptions
  readonly queue: FairQueueOptions
}

/** What must outlive the process. `waiting` holds pixels. */
export interface IntakeState {
  readonly ledger: UploadLedgerState
  readonly waiting: FairQueueState
}

/**
 * Takes the uploads of one family in: checks them against what the server knows of it, admits each once, bounds how many a device may
 * bring, and lines them up. No I/O; time is a parameter.
 */
export class SampleIntake {
  readonly family: Family
  /** What waits to be judged. */
  readonly waiting: FairQueue
  readonly #ledger: UploadLedger

  constructor({ family, ledger, queue }: SampleIntakeOptions, state?: IntakeState, nowMs = 0) {
    this.family = family
    this.#ledger = new UploadLedger(ledger, state?.ledger, nowMs)
    this.waiting = new FairQueue(queue, state?.waiting, nowMs)
  }

  /** Devices that are remembered. */
  get devices(): number {
    return this.#ledger.size
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
    const { family } = this
    if (sample.input !== 'pixels') return ['not-offered']
    const [channels, height, width] = family.imageDims
    const fits =
      String(sample.dims) === String([height, width, channels]) && payload.length === pixelsOf(family)
    if (!fits) return ['wrong-size']
    if (!(sample.entropy >= 0 && sample.entropy < Number.POSITIVE_INFINITY)) return ['not-finite']
    const uploader = this.#ledger.touch(device, nowMs)
    // Before its number is remembered: what comes too fast may be sent again later.
    if (!uploader.rate.take(nowMs)) return ['too-fast']
    if (!uploader.numbers.admit(boot, sample.number)) return ['repeated']
    const upload: Upload = { device, pixels: toPlanes(payload, family.imageDims) }
    const displaced = this.waiting.add(upload, nowMs)
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
      waiting: withPixels ? this.waiting.state(nowMs) : { devices: [] },
    }
  }
}
