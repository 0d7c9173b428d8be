import { TokenBucket } from '@isthmus/policies'
import { ReplayWindow } from './replay-window.ts'

const COMPLAINTS_PER_SECOND = 2
const COMPLAINTS_AT_ONCE = 5

/** What the server remembers of one device. */
export interface DeviceRecord {
  readonly device: string
  /** Requests of this device that wait or are being computed. */
  outstanding: number
  online: boolean
  readonly replay: ReplayWindow
  /** Limits the error replies to what cannot be decoded. */
  readonly complaints: TokenBucket
}

/**
 * The devices that the server remembers, at most `capacity`; the one that has been silent longest is forgotten
 * first, but never one with requests outstanding (those are bounded by the queue).
 */
export class DeviceLedger {
  readonly capacity: number
  readonly #records = new Map<string, DeviceRecord>()

  constructor(capacity: number) {
    this.capacity = capacity
  }

  get size(): number {
    return this.#records.size
  }

  /** Devices whose last word was that they are online. */
  get online(): number {
    let count = 0
    for (const record of this.#records.values()) if (record.online) count++
    return count
  }

  /** The record of a device, made if it is new; the device counts as the one heard last. */
  touch(device: string, nowMs: number): DeviceRecord {
    const known = this.#records.get(device)
    if (known) this.#records.delete(device)
    const record = known ?? newRecord(device, nowMs)
    this.#records.set(device, record)
    if (this.#records.size > this.capacity) this.#forgetOne(device)
    return record
  }

  #forgetOne(except: string): void {
    for (const record of this.#records.values()) {
      if (record.outstanding > 0 || record.device === except) continue
      this.#records.delete(record.device)
      return
    }
  }
}

const newRecord = (device: string, nowMs: number): DeviceRecord => ({
  device,
  outstanding: 0,
  online: false,
  replay: new ReplayWindow(),
  complaints: new TokenBucket(COMPLAINTS_PER_SECOND, COMPLAINTS_AT_ONCE, nowMs),
})
