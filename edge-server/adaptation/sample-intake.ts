import { decodeMoments, type Moments, momentsBytes } from '@isthmus/models/adapt'
import type { Sample } from '@isthmus/proto'
import { FairQueue, type FairQueueOptions, type FairQueueState } from './fair-queue.ts'
import { type Family, pixelsOf, toPlanes } from './family.ts'
import { FleetStatistics } from './fleet-statistics.ts'
import { codecOf, type Picture } from './picture.ts'
import { UploadLedger, type UploadLedgerOptions, type UploadLedgerState } from './upload-ledger.ts'

/**
 * What became of an upload. `taken`: it waits to be judged. `displaced` is counted besides, for the older one that made room.
 * `statistics`: what a device has told of its frames counts from now on. The others were refused before anything was allocated for them.
 */
export const uploadOutcomes = [
  'taken',
  'displaced',
  'statistics',
  'not-offered',
  'wrong-size',
  'unreadable',
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

/**
 * A coded picture may be so many times as long as its pixels, and so many bytes more: a small one that is coded without loss takes more room
 * than it did before.
 */
const CODED_TIMES = 2
const CODED_MORE = 4096

/** What must outlive the process. `waiting` holds pixels. */
export interface IntakeState {
  readonly ledger: UploadLedgerState
  readonly waiting: FairQueueState<Picture>
}

/**
 * Takes the uploads of one family in: checks them against what the server knows of it, admits each once, bounds how many a device may
 * bring, and lines them up. No I/O; time is a parameter.
 */
export class SampleIntake {
  readonly family: Family
  /** What waits to be judged. */
  readonly waiting: FairQueue<Picture>
  readonly #ledger: UploadLedger
  readonly #fleet: FleetStatistics

  constructor({ family, ledger, queue }: SampleIntakeOptions, state?: IntakeState, nowMs = 0) {
    this.family = family
    this.#ledger = new UploadLedger(ledger, state?.ledger, nowMs)
    this.waiting = new FairQueue(queue, state?.waiting, nowMs)
    this.#fleet = new FleetStatistics({
      capacity: ledger.capacity,
      activeForMs: queue.activeForMs,
      packed: family.base,
    })
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
    if (sample.input === 'statistics') return [this.#statistics(device, boot, sample, payload, nowMs)]
    const refusal = this.#refusal(sample, payload)
    if (refusal) return [refusal]
    const uploader = this.#ledger.touch(device, nowMs)
    // Before its number is remembered: what comes too fast may be sent again later.
    if (!uploader.rate.take(nowMs)) return ['too-fast']
    if (!uploader.numbers.admit(boot, sample.number)) return ['repeated']
    const displaced = this.waiting.add({ device, pixels: this.#picture(sample, payload) }, nowMs)
    return displaced > 0 ? ['taken', 'displaced'] : ['taken']
  }

  /** Why a picture is not taken. Of a coded one only its first bytes are looked at: what it decodes to is checked where it is decoded. */
  #refusal({ input, dims, entropy }: Sample, payload: Uint8Array): UploadOutcome | undefined {
    const [channels, height, width] = this.family.imageDims
    const bytes = pixelsOf(this.family)
    if (input === 'pixels') {
      if (String(dims) !== String([height, width, channels]) || payload.length !== bytes) return 'wrong-size'
    } else if (input === 'image') {
      if (payload.length > CODED_TIMES * bytes + CODED_MORE) return 'wrong-size'
      if (!codecOf(payload)) return 'unreadable'
    } else return 'not-offered'
    return entropy >= 0 && entropy < Number.POSITIVE_INFINITY ? undefined : 'not-finite'
  }

  #picture({ input }: Sample, payload: Uint8Array): Picture {
    if (input === 'pixels') return toPlanes(payload, this.family.imageDims)
    return { codec: codecOf(payload)!, bytes: payload.slice() }
  }

  /** What the devices' frames are like, for the student to learn with; undefined where nobody has told, or too few. */
  centre(nowMs: number): Moments | undefined {
    return this.#fleet.centre(nowMs, this.waiting.activeDevices(nowMs))
  }

  #statistics(
    device: string,
    boot: number,
    { number }: Sample,
    payload: Uint8Array,
    nowMs: number,
  ): UploadOutcome {
    const { layout, base } = this.family
    if (payload.length !== momentsBytes(layout)) return 'wrong-size'
    const uploader = this.#ledger.touch(device, nowMs)
    if (!uploader.statistics.take(nowMs)) return 'too-fast'
    let moments: Moments | undefined
    try {
      moments = payload.every((byte) => byte === 0) ? undefined : decodeMoments(payload, base, layout)
    } catch {
      return 'not-finite'
    }
    if (!uploader.numbers.admit(boot, number)) return 'repeated'
    this.#fleet.take(device, moments, nowMs)
    return 'statistics'
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
