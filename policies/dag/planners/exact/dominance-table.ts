import type { PartialSchedules } from './partial-schedules.ts'

/** Entries of one set of tasks that are looked at before the oldest of them is forgotten. */
const CHAIN = 128

/**
 * Partial schedules that were seen, by the set of their tasks. One dominates another when whatever can come of the other can be
 * had from it no later and with no more energy. Where memory is used up it forgets all: then it finds less, never too much.
 *
 * That dominance and the order of non-decreasing starts go together: take any chain of optimal schedules, each found by pruning the
 * last one's prefix in favour of the prefix that dominates it. Sort starts downwards: a step never raises the first entries, up
 * to those that start with the pruned prefix's last task (hence `last` and `tied` are compared), and lowers one of them unless the new
 * schedule lies below the dominating prefix in the tree. So no chain is endless, and its last schedule is found.
 */
export class DominanceTable {
  private readonly values: Float64Array
  /** `[entry]`: first value, next entry of the bucket, words of the set. */
  private readonly first: Int32Array
  private readonly next: Int32Array
  private readonly low: Int32Array
  private readonly high: Int32Array
  private readonly buckets: Int32Array
  private entries = 0
  private used = 0

  /** @param bytes memory for the entries' values; as much again at most for the rest */
  constructor(bytes: number) {
    const values = Math.floor(bytes / 8)
    const entries = Math.floor(values / 12)
    this.values = new Float64Array(values)
    this.first = new Int32Array(entries)
    this.next = new Int32Array(entries)
    this.low = new Int32Array(entries)
    this.high = new Int32Array(entries)
    this.buckets = new Int32Array(2 ** Math.ceil(Math.log2(entries + 1))).fill(-1)
  }

  /** Whether a schedule seen before dominates this one; else remembers it. */
  dominates(schedule: PartialSchedules): boolean {
    const { low, high } = schedule
    const bucket = this.bucketOf(low, high)
    let looked = 0
    for (let entry = this.buckets[bucket]!; entry >= 0; entry = this.next[entry]!) {
      if (this.low[entry] === low && this.high[entry] === high) {
        if (this.isBetter(this.first[entry]!, schedule)) return true
        if (++looked === CHAIN) {
          this.next[entry] = -1
          break
        }
      }
    }
    this.remember(schedule, bucket)
    return false
  }

  private bucketOf(low: number, high: number): number {
    let hash = Math.imul(low, 0x9e3779b1) ^ Math.imul(high, 0x85ebca77)
    hash ^= hash >>> 15
    hash = Math.imul(hash, 0x2c1b3c6d)
    hash ^= hash >>> 13
    return hash & (this.buckets.length - 1)
  }

  private isBetter(first: number, schedule: PartialSchedules): boolean {
    const { values } = this
    const { units, depth } = schedule
    const { tasks, hosts, jobs, powered, timed } = units
    const now = schedule.last[depth]!
    let at = first
    const last = values[at++]!
    const tied = values[at++]!
    if (timed && (last > now || (last === now && tied > schedule.tied[depth]!))) return false
    let energy = values[at++]!
    for (let job = 0; job < jobs; job++) {
      const done = schedule.done[depth * jobs + job]!
      const least = powered ? done : schedule.least[depth * jobs + job]!
      if (values[at++]! > (least > done ? least : done)) return false
    }
    for (let host = 0; host < hosts; host++) {
      const free = schedule.free[depth * hosts + host]!
      if (values[at++]! > (free > now ? free : now)) return false
    }
    for (let task = 0; task < tasks; task++) {
      if (!isFrontier(schedule, task)) continue
      const mask = schedule.allowed[depth * tasks + task]!
      const row = (depth * tasks + task) * hosts
      for (let host = 0; host < hosts; host++) {
        const there = values[at++]!
        if (!(mask & (1 << host))) continue
        const ready = schedule.ready[row + host]!
        if (there > (ready > now ? ready : now)) return false
      }
      if (!powered) continue
      let most = -Infinity
      for (let host = 0; host < hosts; host++) {
        const more = values[at++]! - schedule.energy[row + host]!
        if (mask & (1 << host) && more > most) most = more
      }
      energy += most
    }
    return !powered || energy <= schedule.spent[depth]!
  }

  private remember(schedule: PartialSchedules, bucket: number): void {
    const { units, depth } = schedule
    const { tasks, hosts, jobs, powered } = units
    const most = 3 + jobs + hosts + 2 * tasks * hosts
    if (this.entries === this.first.length || this.used + most > this.values.length) this.forget()
    if (most > this.values.length) return
    const { values } = this
    const entry = this.entries++
    let at = this.used
    this.first[entry] = at
    this.low[entry] = schedule.low
    this.high[entry] = schedule.high
    this.next[entry] = this.buckets[bucket]!
    this.buckets[bucket] = entry
    values[at++] = schedule.last[depth]!
    values[at++] = schedule.tied[depth]!
    values[at++] = schedule.spent[depth]!
    for (let job = 0; job < jobs; job++) values[at++] = schedule.done[depth * jobs + job]!
    for (let host = 0; host < hosts; host++) values[at++] = schedule.free[depth * hosts + host]!
    for (let task = 0; task < tasks; task++) {
      if (!isFrontier(schedule, task)) continue
      const row = (depth * tasks + task) * hosts
      for (let host = 0; host < hosts; host++) values[at++] = schedule.ready[row + host]!
      if (!powered) continue
      for (let host = 0; host < hosts; host++) values[at++] = schedule.energy[row + host]!
    }
    this.used = at
  }

  forget(): void {
    this.entries = 0
    this.used = 0
    this.buckets.fill(-1)
  }
}

/** Whether a task is open and waits for one that is placed: what its host and its input are worth is no longer a constant. */
function isFrontier({ placed, waits, units }: PartialSchedules, task: number): boolean {
  return !placed[task] && waits[task]! < units.firstIn[task + 1]! - units.firstIn[task]!
}
