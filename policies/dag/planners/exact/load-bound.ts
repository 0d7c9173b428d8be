import type { CostUnits } from './cost-units.ts'
import type { PartialSchedules } from './partial-schedules.ts'

/** What is known of the ways before and behind the open tasks of a schedule. */
export interface Ways {
  /** Open tasks, and their number. */
  readonly open: Int32Array
  readonly count: number
  /** `[task, host]`: longest way to the task's start there; energy above the task's least. */
  readonly head: Float64Array
  readonly excess: Float64Array
  /** `[depth, task, host]`: longest way behind the task's end. */
  readonly tail: Float64Array
  /** `[job]`: when it has to be done. */
  readonly deadlines: Float64Array
}

/** Whether whatever has to run between two moments fits into what hosts can do between them. */
export class LoadBound {
  private readonly units: CostUnits
  /** `[task, host]`: earliest start and latest end there. */
  private readonly begins: Float64Array
  private readonly ends: Float64Array
  /** `[task]`: window in which it runs; open tasks by the end of theirs. */
  private readonly opens: Float64Array
  private readonly closes: Float64Array
  private readonly byClose: Int32Array
  /** `[host]`: the first start and the last end of some tasks there, and the work that it can do between these. */
  private readonly roomFrom: Float64Array
  private readonly roomTo: Float64Array
  private readonly rooms: Float64Array
  /** Tasks that can run on one host alone, by their latest end. */
  private readonly bound: Int32Array

  constructor(units: CostUnits) {
    const { tasks, hosts } = units
    this.units = units
    this.begins = new Float64Array(tasks * hosts)
    this.ends = new Float64Array(tasks * hosts)
    this.opens = new Float64Array(tasks)
    this.closes = new Float64Array(tasks)
    this.byClose = new Int32Array(tasks)
    this.roomFrom = new Float64Array(hosts)
    this.roomTo = new Float64Array(hosts)
    this.rooms = new Float64Array(hosts)
    this.bound = new Int32Array(tasks)
  }

  /** Whether the open tasks of a schedule are more than their hosts can do in time. */
  exceeded(schedule: PartialSchedules, ways: Ways): boolean {
    this.windows(schedule, ways)
    for (let host = 0; host < this.units.hosts; host++) if (this.crowded(schedule, ways, host)) return true
    return this.overloaded(schedule, ways)
  }

  /**
   * Whether some tasks cannot all run between the first moment and the last that are left to them. A host has room only from
   * when the first of them can be there, and only while one of them still does in time there.
   */
  private overloaded({ depth, allowed }: PartialSchedules, { open, count }: Ways): boolean {
    const { units, opens, byClose, begins, ends, roomFrom, roomTo, rooms } = this
    const { tasks, hosts, work, speed } = units
    for (let first = 0; first < count; first++) {
      const from = opens[open[first]!]!
      if (this.isRepeated(open, first)) continue
      let sum = 0
      let room = 0
      roomFrom.fill(Infinity)
      roomTo.fill(-Infinity)
      rooms.fill(0)
      for (let at = 0; at < count; at++) {
        const task = byClose[at]!
        if (opens[task]! < from) continue
        sum += work[task]!
        for (let mask = allowed[depth * tasks + task]!; mask !== 0; mask &= mask - 1) {
          const host = 31 - Math.clz32(mask & -mask)
          const begin = begins[task * hosts + host]!
          const end = ends[task * hosts + host]!
          if (begin >= roomFrom[host]! && end <= roomTo[host]!) continue
          if (begin < roomFrom[host]!) roomFrom[host] = begin > from ? begin : from
          if (end > roomTo[host]!) roomTo[host] = end
          const span = roomTo[host]! - roomFrom[host]!
          if (span <= 0) continue
          room += span * speed[host]! - rooms[host]!
          rooms[host] = span * speed[host]!
        }
        if (sum > room * (1 + 1e-9)) return true
      }
    }
    return false
  }

  /** Whether the window of an open task opens when that of one before it does, too. */
  private isRepeated(open: Int32Array, place: number): boolean {
    const { opens } = this
    const from = opens[open[place]!]!
    for (let at = 0; at < place; at++) if (opens[open[at]!] === from) return true
    return false
  }

  /** Strikes hosts on which a task does not fit beside those that can run nowhere else, by what the last `exceeded` saw; returns how many. */
  strike(schedule: PartialSchedules, ways: Ways): number {
    const { tasks, hosts } = this.units
    const { depth, allowed } = schedule
    const { open, count } = ways
    let struck = 0
    for (let host = 0; host < hosts; host++) {
      const bit = 1 << host
      const here = this.listBound(schedule, ways, host)
      if (here === 0) continue
      for (let at = 0; at < count; at++) {
        const task = open[at]!
        const mask = allowed[depth * tasks + task]!
        if (!(mask & bit) || mask === bit || !this.overlong(host, here, task)) continue
        allowed[depth * tasks + task] = mask & ~bit
        struck++
      }
    }
    return struck
  }

  /**
   * Whether the tasks that can run on one host alone do not fit there one after the other, even if each might be broken off and gone
   * on with (Jackson's preemptive schedule).
   */
  private crowded(schedule: PartialSchedules, ways: Ways, host: number): boolean {
    const { begins, bound } = this
    const { hosts } = this.units
    let here = this.listBound(schedule, ways, host)
    if (here > 1 && this.settle(host, here)) here = this.listBound(schedule, ways, host)
    for (let at = 0; at < here; at++) {
      if (this.endsLate(host, here, begins[bound[at]! * hosts + host]!, -1)) return true
    }
    return false
  }

  /** Narrows the windows of two listed tasks where one has to run before the other; whether it did so. */
  private settle(host: number, here: number): boolean {
    const { begins, ends, bound } = this
    const { hosts, execution } = this.units
    let settled = false
    for (let at = 0; at < here; at++) {
      const late = bound[at]! * hosts + host
      for (let other = 0; other < here; other++) {
        const early = bound[other]! * hosts + host
        if (early === late || begins[late]! + execution[late]! + execution[early]! < ends[early]!) continue
        const begin = begins[early]! + execution[early]!
        const end = ends[late]! - execution[late]!
        if (begin > begins[late]!) begins[late] = begin
        else if (end >= ends[early]!) continue
        if (end < ends[early]!) ends[early] = end
        settled = true
      }
    }
    return settled
  }

  /** Whether the listed tasks, which fit, no longer do with one more. */
  private overlong(host: number, here: number, more: number): boolean {
    const { begins, bound } = this
    const { hosts } = this.units
    const begin = begins[more * hosts + host]!
    if (this.endsLate(host, here, begin, more)) return true
    for (let at = 0; at < here; at++) {
      const from = begins[bound[at]! * hosts + host]!
      if (from < begin && this.endsLate(host, here, from, more)) return true
    }
    return false
  }

  /** Whether the listed tasks that can start at a moment or later, and one more, end too late when the first starts then. */
  private endsLate(host: number, here: number, from: number, more: number): boolean {
    const { begins, ends, bound } = this
    const { hosts, execution } = this.units
    let waiting = more
    let end = from
    for (let at = 0; at < here; at++) {
      const own = bound[at]! * hosts + host
      if (begins[own]! < from) continue
      if (waiting >= 0 && ends[waiting * hosts + host]! < ends[own]!) {
        end += execution[waiting * hosts + host]!
        if (end >= ends[waiting * hosts + host]!) return true
        waiting = -1
      }
      end += execution[own]!
      if (end >= ends[own]!) return true
    }
    if (waiting < 0) return false
    return end + execution[waiting * hosts + host]! >= ends[waiting * hosts + host]!
  }

  /** Lists the tasks that can run on one host alone, by their latest end; returns how many. */
  private listBound({ depth, allowed }: PartialSchedules, { open, count }: Ways, host: number): number {
    const { ends, bound } = this
    const { tasks, hosts } = this.units
    let here = 0
    for (let at = 0; at < count; at++) {
      const task = open[at]!
      if (allowed[depth * tasks + task] !== 1 << host) continue
      const end = ends[task * hosts + host]!
      let place = here++
      for (; place > 0 && ends[bound[place - 1]! * hosts + host]! > end; place--)
        bound[place] = bound[place - 1]!
      bound[place] = task
    }
    return here
  }

  private windows(schedule: PartialSchedules, ways: Ways): void {
    const { units, opens, closes, byClose, begins, ends } = this
    const { tasks, hosts, jobOf, powered } = units
    const { depth, allowed, ready, free, last } = schedule
    const { open, count, head, tail, excess, deadlines } = ways
    for (let at = 0; at < count; at++) {
      const task = open[at]!
      const deadline = deadlines[jobOf[task]!]!
      const mask = allowed[depth * tasks + task]!
      let from = Infinity
      let to = -Infinity
      for (let host = 0; host < hosts; host++) {
        if (!(mask & (1 << host))) continue
        const own = task * hosts + host
        // Where energy counts, heads hold some of it: they are no times.
        const start = powered
          ? Math.max(last[depth]!, free[depth * hosts + host]!, ready[(depth * tasks + task) * hosts + host]!)
          : head[own]!
        begins[own] = start
        if (start < from) from = start
        const end = deadline - tail[depth * tasks * hosts + own]! - excess[own]!
        ends[own] = end
        if (end > to) to = end
      }
      opens[task] = from
      closes[task] = to
      let place = at
      for (; place > 0 && closes[byClose[place - 1]!]! > to; place--) byClose[place] = byClose[place - 1]!
      byClose[place] = task
    }
  }
}
