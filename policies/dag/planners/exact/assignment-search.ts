import type { SchedulePlan } from '../../schedule/plan.ts'
import { BranchAndBound } from './branch-and-bound.ts'
import type { CostUnits } from './cost-units.ts'
import type { ExactSearch } from './exact-search.ts'
import { LowerBound } from './lower-bound.ts'
import { PartialSchedules } from './partial-schedules.ts'

/** Memory for partial schedules of one assignment: they are few, and it is emptied for each. */
const TABLE_BYTES = 2 ** 18

/** Nodes between two looks at the clock. */
const LOOK = 64

/**
 * Depth-first search over which host runs which task; the order is looked for once all hosts are known. Where tasks depend little on
 * each other the order on a host matters little, and what decides is which tasks fit beside each other on which host.
 */
export class AssignmentSearch implements ExactSearch {
  best: SchedulePlan | undefined
  limit = Infinity
  complete = false
  lowerBound = 0
  nodes = 0
  private readonly units: CostUnits
  /** Nothing is ever placed on it: it holds the hosts that are left, and ways to and from them. */
  private readonly schedule: PartialSchedules
  private readonly bound: LowerBound
  private readonly order: BranchAndBound
  /** Hosts of each task, as bits, for `order`. */
  private readonly assigned: Int32Array
  private ordering = false
  private depth = -1
  /** `[depth, task]`: hosts left; `[depth]`: task to assign; `[depth, child]`: its hosts by promise; how many, and the next one. */
  private readonly allowed: Int32Array
  private readonly task: Int32Array
  private readonly childHost: Int32Array
  private readonly children: Int32Array
  private readonly next: Int32Array
  /** Tasks by their work, most first. */
  private readonly byWork: Int32Array

  constructor(units: CostUnits) {
    const { tasks, hosts, work } = units
    this.units = units
    this.schedule = new PartialSchedules(units)
    this.bound = new LowerBound(units)
    this.assigned = new Int32Array(tasks)
    this.order = new BranchAndBound({ ...units, allowed: this.assigned }, TABLE_BYTES, 0)
    this.allowed = new Int32Array((tasks + 1) * tasks)
    this.task = new Int32Array(tasks + 1)
    this.childHost = new Int32Array((tasks + 1) * hosts)
    this.children = new Int32Array(tasks + 1)
    this.next = new Int32Array(tasks + 1)
    this.byWork = Int32Array.from(work.keys()).sort((a, b) => work[b]! - work[a]!)
  }

  advance(limit: number, maxNodes: number, late: () => boolean): void {
    if (this.complete) return
    this.limit = Math.min(this.limit, limit)
    const last = this.nodes + maxNodes
    if (this.depth < 0) {
      this.allowed.set(this.units.allowed)
      this.depth = 0
      this.visit()
    }
    for (;;) {
      if (this.ordering && !this.findOrder(last - this.nodes, late)) return
      while (this.depth >= 0 && this.next[this.depth]! >= this.children[this.depth]!) this.depth--
      if (this.depth < 0) {
        this.complete = true
        return
      }
      if (this.nodes >= last || (this.nodes % LOOK === 0 && late())) return
      this.descend()
    }
  }

  /** Gives the task of this depth its next host. */
  private descend(): void {
    const { units, allowed, depth } = this
    const { tasks, hosts } = units
    const host = this.childHost[depth * hosts + this.next[depth]!++]!
    allowed.copyWithin((depth + 1) * tasks, depth * tasks, (depth + 1) * tasks)
    allowed[(depth + 1) * tasks + this.task[depth]!] = 1 << host
    this.depth++
    this.visit()
  }

  /** Judges the assignment at its depth and finds the task to go on with. */
  private visit(): void {
    const { units, schedule, bound, allowed, depth } = this
    const { tasks } = units
    this.nodes++
    this.children[depth] = 0
    this.next[depth] = 0
    const own = allowed.subarray(depth * tasks, (depth + 1) * tasks)
    schedule.allowed.set(own)
    schedule.least.set(units.arrival)
    if (bound.narrowed(schedule, this.limit) === Infinity) return
    own.set(schedule.allowed.subarray(0, tasks))
    const task = this.nextTask(own)
    if (task >= 0) {
      this.task[depth] = task
      this.listHosts(task, own[task]!)
      return
    }
    this.assigned.set(own)
    this.order.restart()
    this.ordering = true
  }

  /** Of the tasks with fewest hosts left, but more than one, that with most work; −1 when every task has its host. */
  private nextTask(allowed: Int32Array): number {
    let best = -1
    let fewest = Infinity
    for (const task of this.byWork) {
      const count = bits(allowed[task]!)
      if (count < 2 || count >= fewest) continue
      fewest = count
      best = task
    }
    return best
  }

  /** Hosts by the longest way through the task there. */
  private listHosts(task: number, mask: number): void {
    const { units, bound, childHost, depth } = this
    const { hosts } = units
    const way = (host: number) => bound.head[task * hosts + host]! + bound.wayFrom(0, task, host)
    const first = depth * hosts
    let count = 0
    for (let host = 0; host < hosts; host++) {
      if (!(mask & (1 << host))) continue
      const own = way(host)
      let place = first + count++
      for (; place > first && way(childHost[place - 1]!) > own; place--)
        childHost[place] = childHost[place - 1]!
      childHost[place] = host
    }
    this.children[depth] = count
  }

  /** Looks for the best order of what is assigned; whether it came to an end. */
  private findOrder(maxNodes: number, late: () => boolean): boolean {
    const { order } = this
    const before = order.nodes
    order.advance(this.limit, maxNodes, late)
    this.nodes += order.nodes - before
    if (order.limit < this.limit) {
      this.limit = order.limit
      this.best = order.best
    }
    this.ordering = !order.complete
    return order.complete
  }
}

function bits(mask: number): number {
  let count = 0
  for (let left = mask; left !== 0; left &= left - 1) count++
  return count
}
