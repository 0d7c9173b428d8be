import type { CostUnits } from './cost-units.ts'

/**
 * The partial schedules on the way from the root to where a search is, one a depth: depth d has d tasks on hosts, each started no
 * earlier than the one before.
 */
export class PartialSchedules {
  readonly units: CostUnits
  /** `[task]`: 1 when it is placed; the placed tasks by depth, and their hosts. */
  readonly placed: Uint8Array
  readonly task: Int32Array
  readonly host: Int32Array
  /** `[task]`: tasks that it still waits for. */
  readonly waits: Int32Array
  /** `[depth]`: latest start, how many started then, energy of the placed tasks. */
  readonly last: Float64Array
  readonly tied: Int32Array
  readonly spent: Float64Array
  /** `[depth, host]`: when it is free. */
  readonly free: Float64Array
  /** `[depth, job]`: when what is placed of it is done. */
  readonly done: Float64Array
  /** `[depth, task, host]`: when what placed tasks and the device give it is there; its energy with the edges from placed tasks. */
  readonly ready: Float64Array
  readonly energy: Float64Array
  /** `[depth, task]`: hosts on which the task may still run, as bits. */
  readonly allowed: Int32Array
  /** `[depth, job]`: lower bound of when it is done. */
  readonly least: Float64Array
  /** `[depth, host, place]`: gaps between tasks of a host that are left behind, their ends, and how many. */
  readonly gapFrom: Float64Array
  readonly gapTo: Float64Array
  readonly gaps: Int32Array
  /** Two words that name the set of placed tasks. */
  low = 0
  high = 0
  depth = 0

  constructor(units: CostUnits) {
    const { tasks, hosts, jobs } = units
    const depths = tasks + 1
    this.units = units
    this.placed = new Uint8Array(tasks)
    this.task = new Int32Array(depths)
    this.host = new Int32Array(depths)
    this.waits = Int32Array.from(units.jobOf, (_, task) => units.firstIn[task + 1]! - units.firstIn[task]!)
    this.last = new Float64Array(depths)
    this.tied = new Int32Array(depths)
    this.spent = new Float64Array(depths)
    this.free = new Float64Array(depths * hosts)
    this.done = new Float64Array(depths * jobs)
    this.ready = new Float64Array(depths * tasks * hosts)
    this.energy = new Float64Array(depths * tasks * hosts)
    this.allowed = new Int32Array(depths * tasks)
    this.least = new Float64Array(depths * jobs)
    this.gapFrom = new Float64Array(depths * hosts * tasks)
    this.gapTo = new Float64Array(depths * hosts * tasks)
    this.gaps = new Int32Array(depths * hosts)
    this.last[0] = -Infinity
    this.free.set(units.free)
    this.done.set(units.arrival)
    this.ready.set(units.input)
    this.energy.set(units.energy)
    this.allowed.set(units.allowed)
    this.least.set(units.arrival)
  }

  /** When a task would start on a host as the next one. */
  startOf(task: number, host: number): number {
    const { tasks, hosts } = this.units
    const free = this.free[this.depth * hosts + host]!
    const ready = this.ready[(this.depth * tasks + task) * hosts + host]!
    return free > ready ? free : ready
  }

  /** Whether the task fits into a gap that its host left behind: then starting it later is a waste. */
  fitsBefore(task: number, host: number): boolean {
    const { tasks, hosts, execution } = this.units
    const at = this.depth * hosts + host
    const ready = this.ready[(this.depth * tasks + task) * hosts + host]!
    const length = execution[task * hosts + host]!
    for (let gap = at * tasks, end = gap + this.gaps[at]!; gap < end; gap++) {
      const from = this.gapFrom[gap]!
      if ((from > ready ? from : ready) + length <= this.gapTo[gap]!) return true
    }
    return false
  }

  /** Places a task behind the others of a host. */
  push(task: number, host: number): void {
    const { units, depth } = this
    const { tasks, hosts, jobs, execution, back, jobOf, firstOut, target, transfer, transferEnergy } = units
    const to = depth + 1
    const row = tasks * hosts
    const start = this.startOf(task, host)
    const finish = start + execution[task * hosts + host]!
    this.free.copyWithin(to * hosts, depth * hosts, to * hosts)
    this.done.copyWithin(to * jobs, depth * jobs, to * jobs)
    this.least.copyWithin(to * jobs, depth * jobs, to * jobs)
    this.ready.copyWithin(to * row, depth * row, to * row)
    this.allowed.copyWithin(to * tasks, depth * tasks, to * tasks)
    this.copyGaps(depth, to)
    this.noteGap(to, host, this.free[depth * hosts + host]!, start)
    if (units.powered) this.energy.copyWithin(to * row, depth * row, to * row)
    this.free[to * hosts + host] = finish
    this.last[to] = start
    this.tied[to] = start === this.last[depth]! ? this.tied[depth]! + 1 : 1
    this.spent[to] = this.spent[depth]! + this.energy[depth * row + task * hosts + host]!
    const job = jobOf[task]!
    const end = finish + back[task * hosts + host]!
    if (end > this.done[to * jobs + job]!) this.done[to * jobs + job] = end
    this.task[to] = task
    this.host[to] = host
    this.placed[task] = 1
    if (task < 32) this.low |= 1 << task
    else this.high |= 1 << (task - 32)
    for (let edge = firstOut[task]!; edge < firstOut[task + 1]!; edge++) {
      const next = target[edge]!
      this.waits[next]!--
      const from = (edge * hosts + host) * hosts
      const into = to * row + next * hosts
      for (let on = 0; on < hosts; on++) {
        const there = finish + transfer[from + on]!
        if (there > this.ready[into + on]!) this.ready[into + on] = there
      }
      if (units.powered) {
        for (let on = 0; on < hosts; on++) this.energy[into + on]! += transferEnergy[from + on]!
      }
    }
    this.depth = to
  }

  /** Takes the last task off again. */
  pop(): void {
    const { firstOut, target } = this.units
    const task = this.task[this.depth]!
    this.placed[task] = 0
    if (task < 32) this.low &= ~(1 << task)
    else this.high &= ~(1 << (task - 32))
    for (let edge = firstOut[task]!; edge < firstOut[task + 1]!; edge++) this.waits[target[edge]!]!++
    this.depth--
  }

  private copyGaps(from: number, to: number): void {
    const { tasks, hosts } = this.units
    for (let host = 0; host < hosts; host++) {
      const count = this.gaps[from * hosts + host]!
      this.gaps[to * hosts + host] = count
      const old = (from * hosts + host) * tasks
      const own = (to * hosts + host) * tasks
      for (let gap = 0; gap < count; gap++) {
        this.gapFrom[own + gap] = this.gapFrom[old + gap]!
        this.gapTo[own + gap] = this.gapTo[old + gap]!
      }
    }
  }

  private noteGap(depth: number, host: number, from: number, to: number): void {
    if (to <= from) return
    const { tasks, hosts } = this.units
    const at = depth * hosts + host
    const gap = at * tasks + this.gaps[at]!++
    this.gapFrom[gap] = from
    this.gapTo[gap] = to
  }
}
