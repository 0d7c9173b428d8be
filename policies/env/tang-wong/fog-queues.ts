/** Called for each task that leaves a fog. */
export type FogTaskEnd = (device: number, bornSlot: number, dropped: boolean) => void

/**
 * The queues of all devices at all fogs: first in, first out for each device at each fog, the fog shared equally among the
 * queues that had work when the slot began. Nothing is allocated after construction.
 */
export class FogQueues {
  private readonly devices: number
  private readonly fogs: number
  private readonly deadlineSlots: number
  private readonly fogMbitPerSlot: number
  /** Queues are rings: a task is gone one slot after its deadline, so no more than these are there at once. */
  private readonly length: number
  private readonly first: Int32Array
  private readonly count: Int32Array
  private readonly leftMbit: Float64Array
  private readonly bornSlot: Int32Array
  /** First slot in which the fog can work on it. */
  private readonly readySlot: Int32Array
  /** Queues with work at each fog, counted at the end of the last slot. */
  readonly active: Float64Array

  constructor(devices: number, fogs: number, deadlineSlots: number, fogMbitPerSlot: number) {
    this.devices = devices
    this.fogs = fogs
    this.deadlineSlots = deadlineSlots
    this.fogMbitPerSlot = fogMbitPerSlot
    this.length = deadlineSlots + 2
    this.first = new Int32Array(devices * fogs)
    this.count = new Int32Array(devices * fogs)
    this.leftMbit = new Float64Array(devices * fogs * this.length)
    this.bornSlot = new Int32Array(devices * fogs * this.length)
    this.readySlot = new Int32Array(devices * fogs * this.length)
    this.active = new Float64Array(fogs)
  }

  clear(): void {
    this.first.fill(0)
    this.count.fill(0)
    this.active.fill(0)
  }

  /** Takes over queues of the same sizes. */
  copyFrom(other: FogQueues): void {
    this.first.set(other.first)
    this.count.set(other.count)
    this.leftMbit.set(other.leftMbit)
    this.bornSlot.set(other.bornSlot)
    this.readySlot.set(other.readySlot)
    this.active.set(other.active)
  }

  /** A task of `mbit` that came in slot `born` will be at the fog when slot `ready` begins. */
  add(device: number, fog: number, mbit: number, born: number, ready: number): void {
    const queue = device * this.fogs + fog
    const at = this.at(queue, this.count[queue]!++)
    this.leftMbit[at] = mbit
    this.bornSlot[at] = born
    this.readySlot[at] = ready
  }

  /** Mbit that a device has left at a fog when `slot` begins. */
  left(device: number, fog: number, slot: number): number {
    const queue = device * this.fogs + fog
    let sum = 0
    for (let k = 0; k < this.count[queue]!; k++) {
      const at = this.at(queue, k)
      if (this.readySlot[at]! <= slot) sum += this.leftMbit[at]!
    }
    return sum
  }

  /** Devices with anything at a fog or on its way there. */
  withTasks(fog: number): number {
    let count = 0
    for (let queue = fog; queue < this.count.length; queue += this.fogs) if (this.count[queue]! > 0) count++
    return count
  }

  hasTask(device: number, fog: number): boolean {
    return this.count[device * this.fogs + fog]! > 0
  }

  /** Lets the fogs work for one slot. */
  work(slot: number, end: FogTaskEnd): void {
    for (let device = 0; device < this.devices; device++) {
      for (let fog = 0; fog < this.fogs; fog++) this.workQueue(device, fog, slot, end)
    }
    this.active.fill(0)
    for (let queue = 0; queue < this.count.length; queue++) {
      if (this.count[queue]! > 0 && this.readySlot[this.at(queue, 0)]! <= slot + 1) {
        const fog = queue % this.fogs
        this.active[fog] = this.active[fog]! + 1
      }
    }
  }

  private workQueue(device: number, fog: number, slot: number, end: FogTaskEnd): void {
    const queue = device * this.fogs + fog
    while (this.count[queue]! > 0) {
      const at = this.at(queue, 0)
      if (this.readySlot[at]! > slot) return
      const born = this.bornSlot[at]!
      const age = slot - born + 1
      // Its upload took all the time that it had: the fog does not begin with it.
      if (age > this.deadlineSlots) {
        this.removeFirst(queue)
        end(device, born, true)
        continue
      }
      this.leftMbit[at] = this.leftMbit[at]! - this.fogMbitPerSlot / this.active[fog]!
      const done = this.leftMbit[at]! <= 0
      if (!done && age < this.deadlineSlots) return
      this.removeFirst(queue)
      end(device, born, !done)
      return
    }
  }

  private removeFirst(queue: number): void {
    this.first[queue] = (this.first[queue]! + 1) % this.length
    this.count[queue] = this.count[queue]! - 1
  }

  private at(queue: number, k: number): number {
    return queue * this.length + ((this.first[queue]! + k) % this.length)
  }
}
