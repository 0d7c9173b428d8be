import type { SchedulePlan } from '../schedule/plan.ts'
import type { SchedulingProblem } from '../schedule/problem.ts'

/** A schedule that grows task by task: each goes into the first gap of its host that is long enough. */
export class HostSlots {
  readonly startS: Float64Array
  readonly finishS: Float64Array
  /** `[task]`: host, −1 while it has none. */
  readonly host: Int32Array
  private readonly problem: SchedulingProblem
  /** `[host, place]`: tasks by start; `count` says how many. */
  private readonly order: Int32Array
  private readonly count: Int32Array

  constructor(problem: SchedulingProblem) {
    const { tasks, hosts } = problem
    this.problem = problem
    this.startS = new Float64Array(tasks)
    this.finishS = new Float64Array(tasks)
    this.host = new Int32Array(tasks).fill(-1)
    this.order = new Int32Array(tasks * hosts)
    this.count = new Int32Array(hosts)
  }

  /** When the task could start on a host, s; of those that it waits for, only the placed ones count. */
  earliestStartS(task: number, host: number): number {
    const { hosts, tasks, executionS, inputAtS, firstIn, source, inBits, bitS, freeAtS } = this.problem
    let ready = Math.max(inputAtS[task * hosts + host]!, freeAtS[host]!)
    for (let edge = firstIn[task]!; edge < firstIn[task + 1]!; edge++) {
      const from = source[edge]!
      if (this.host[from]! < 0) continue
      const bits = inBits[edge]!
      const there = this.finishS[from]! + (bits > 0 ? bits * bitS[this.host[from]! * hosts + host]! : 0)
      if (there > ready) ready = there
    }
    const length = executionS[task * hosts + host]!
    for (let place = 0; place < this.count[host]!; place++) {
      const other = this.order[host * tasks + place]!
      if (this.finishS[other]! <= ready) continue
      if (ready + length <= this.startS[other]!) return ready
      ready = this.finishS[other]!
    }
    return ready
  }

  place(task: number, host: number, startS = this.earliestStartS(task, host)): void {
    const { tasks, hosts, executionS } = this.problem
    const first = host * tasks
    let place = this.count[host]!++
    for (; place > 0 && this.startS[this.order[first + place - 1]!]! > startS; place--) {
      this.order[first + place] = this.order[first + place - 1]!
    }
    this.order[first + place] = task
    this.host[task] = host
    this.startS[task] = startS
    this.finishS[task] = startS + executionS[task * hosts + host]!
  }

  remove(task: number): void {
    const host = this.host[task]!
    const first = host * this.problem.tasks
    const count = --this.count[host]!
    let place = 0
    while (this.order[first + place]! !== task) place++
    this.order.copyWithin(first + place, first + place + 1, first + count + 1)
    this.host[task] = -1
  }

  /** Its tasks by start. Run in that order, none starts later than here. */
  plan(): SchedulePlan {
    const { startS, finishS } = this
    const sequence = Int32Array.from(this.host.keys()).sort(
      (a, b) => startS[a]! - startS[b]! || finishS[a]! - finishS[b]! || a - b,
    )
    return { host: this.host.slice(), sequence }
  }
}
