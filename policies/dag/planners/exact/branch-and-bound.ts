import type { SchedulePlan } from '../../schedule/plan.ts'
import type { CostUnits } from './cost-units.ts'
import { DominanceTable } from './dominance-table.ts'
import type { ExactSearch } from './exact-search.ts'
import { LowerBound } from './lower-bound.ts'
import { PartialSchedules } from './partial-schedules.ts'

/** Nodes between two looks at the clock. */
const LOOK = 128

/** Halvings of the range of the bound at the root, unless told otherwise. */
const ROOT_STEPS = 20

/** Relative difference of costs that counts as none. */
const SAME = 1e-9

/**
 * Depth-first search over schedules in which each task starts as early as its host's earlier tasks and its inputs allow. Tasks are
 * placed by non-decreasing start, so that a schedule is met once, whatever the order in which it could be written down.
 */
export class BranchAndBound implements ExactSearch {
  /** Cheapest schedule found that costs less than the limit. */
  best: SchedulePlan | undefined
  /** Whether every schedule was looked at or ruled out. */
  complete = false
  limit = Infinity
  lowerBound = 0
  nodes = 0
  dominated = 0
  private readonly units: CostUnits
  private readonly rootSteps: number
  private readonly schedule: PartialSchedules
  private readonly bound: LowerBound
  private readonly table: DominanceTable
  /** `[depth, child]`: tasks and hosts to try, by how much they promise; `[depth]`: how many, and the next one. */
  private readonly childTask: Int32Array
  private readonly childHost: Int32Array
  private readonly childKey: Float64Array
  private readonly children: Int32Array
  private readonly next: Int32Array
  /** `[depth]`: bound of the schedule there. */
  private readonly bounds: Float64Array

  constructor(units: CostUnits, tableBytes: number, rootSteps: number = ROOT_STEPS) {
    const { tasks, hosts } = units
    this.units = units
    this.rootSteps = rootSteps
    this.schedule = new PartialSchedules(units)
    this.bound = new LowerBound(units)
    this.table = new DominanceTable(tableBytes)
    const width = tasks * hosts
    this.childTask = new Int32Array((tasks + 1) * width)
    this.childHost = new Int32Array((tasks + 1) * width)
    this.childKey = new Float64Array((tasks + 1) * width)
    this.children = new Int32Array(tasks + 1)
    this.next = new Int32Array(tasks + 1)
    this.bounds = new Float64Array(tasks + 1)
  }

  advance(limit: number, maxNodes: number, late: () => boolean): void {
    if (this.complete) return
    this.limit = Math.min(this.limit, limit)
    if (this.nodes === 0) this.enter()
    const { schedule, units } = this
    const width = units.tasks * units.hosts
    const last = this.nodes + maxNodes
    while (!this.complete) {
      const { depth } = schedule
      if (this.next[depth]! >= this.children[depth]!) {
        if (depth > 0) schedule.pop()
        else this.complete = true
        continue
      }
      const child = depth * width + this.next[depth]!
      if (this.bounds[depth]! >= this.limit) {
        this.next[depth] = this.children[depth]!
        continue
      }
      if (this.nodes >= last || (this.nodes % LOOK === 0 && late())) {
        this.lowerBound = this.openBound(depth)
        return
      }
      this.next[depth]!++
      schedule.push(this.childTask[child]!, this.childHost[child]!)
      this.nodes++
      if (!this.visit()) schedule.pop()
    }
  }

  /** Begins anew, with the hosts that the units now allow. */
  restart(): void {
    const { schedule } = this
    while (schedule.depth > 0) schedule.pop()
    this.table.forget()
    this.best = undefined
    this.complete = false
    this.limit = Infinity
    this.nodes = 0
  }

  private enter(): void {
    this.nodes = 1
    this.bounds[0] = this.rootBound()
    this.lowerBound = this.bounds[0]
    this.children[0] = 0
    this.next[0] = 0
    if (this.lowerBound >= this.limit) this.complete = true
    else this.expand()
  }

  /** A limit that nothing is below, as high as halving the range finds it: limits strike hosts, so this is more than one bound. */
  private rootBound(): number {
    let low = this.lookAtRoot(Infinity)
    let high = this.limit
    if (this.lookAtRoot(high) === Infinity) return high
    for (let step = 0; step < this.rootSteps && low < high && high < Infinity; step++) {
      const middle = (low + high) / 2
      if (this.lookAtRoot(middle) === Infinity) low = middle
      else high = middle
    }
    this.lookAtRoot(this.limit)
    return low
  }

  private lookAtRoot(limit: number): number {
    const { schedule, units, bound } = this
    schedule.allowed.set(units.allowed)
    schedule.least.set(units.arrival)
    return bound.narrowed(schedule, limit)
  }

  /** Judges the schedule that was just extended; whether to go on below it. */
  private visit(): boolean {
    const { schedule, units } = this
    const { depth } = schedule
    const bound = this.bound.narrowed(schedule, this.limit)
    if (bound >= this.limit) return false
    if (depth === units.tasks) {
      this.limit = bound - SAME * Math.abs(bound)
      this.best = this.plan()
      return false
    }
    if (this.table.dominates(schedule)) {
      this.dominated++
      return false
    }
    // The root has a better bound than one look at a schedule gives.
    this.bounds[depth] = Math.max(bound, this.bounds[depth - 1]!)
    this.expand()
    return true
  }

  /** Lists what can be placed next. */
  private expand(): void {
    const { schedule, units, bound } = this
    const { tasks, hosts } = units
    const { depth } = schedule
    const first = depth * tasks * hosts
    const now = schedule.last[depth]!
    let count = 0
    bound.latestStarts(schedule)
    const { urgent, urgentStart, nextStart } = bound
    for (let task = 0; task < tasks; task++) {
      if (schedule.placed[task] || schedule.waits[task]! > 0) continue
      const mask = schedule.allowed[depth * tasks + task]!
      for (let host = 0; host < hosts; host++) {
        if (!(mask & (1 << host))) continue
        const start = schedule.startOf(task, host)
        // What comes later starts no earlier: then another task would be too late.
        if (start >= (task === urgent ? nextStart : urgentStart)) continue
        if (start < now || schedule.fitsBefore(task, host)) continue
        const key = start + bound.wayFrom(depth, task, host) * 1e-3
        let place = count++
        for (; place > 0 && this.childKey[first + place - 1]! > key; place--) {
          this.childKey[first + place] = this.childKey[first + place - 1]!
          this.childTask[first + place] = this.childTask[first + place - 1]!
          this.childHost[first + place] = this.childHost[first + place - 1]!
        }
        this.childKey[first + place] = key
        this.childTask[first + place] = task
        this.childHost[first + place] = host
      }
    }
    this.children[depth] = count
    this.next[depth] = 0
  }

  /** Least bound of what is still open on the way from the root. */
  private openBound(depth: number): number {
    let least = this.limit
    for (let at = 0; at <= depth; at++) least = Math.min(least, this.bounds[at]!)
    return least
  }

  private plan(): SchedulePlan {
    const { tasks } = this.units
    const host = new Int32Array(tasks)
    const sequence = this.schedule.task.slice(1)
    for (let depth = 1; depth <= tasks; depth++) host[this.schedule.task[depth]!] = this.schedule.host[depth]!
    return { host, sequence }
  }
}
