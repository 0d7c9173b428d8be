import { type SchedulePlan, type SchedulingProblem, taskPriorities, upwardRanks } from '../../dag/index.ts'
import type { OffloadObservation } from '../../env/index.ts'

/** What a device has beside the problem: times in s, by server in the problem's order. */
export interface ServersSeen {
  /** Since the server published its load. */
  readonly publishedAgoS: readonly number[]
  /** Work that this device has sent there since. */
  readonly sentS: readonly number[]
  /** Workers that share the work there. */
  readonly workers: readonly number[]
  /** Until what this device has to send already is on its way. */
  readonly uplinkWaitS: number
}

/**
 * One run of a pipeline, placed stage by stage in the order in which stages are expected to become ready: what the agent sees of
 * the next one, as in the environment that it was trained in, and what its choice means for those after it. Place 0 is the
 * device, host 0; place n is host n.
 */
export class Placing {
  readonly plan: SchedulePlan
  readonly #problem: SchedulingProblem
  readonly #deadlineS: number
  readonly #seen: ServersSeen
  readonly #ranks: Float64Array
  readonly #priority: Float64Array
  readonly #freeS: Float64Array
  readonly #sentS: Float64Array
  readonly #finishS: Float64Array
  #placed = 0

  constructor(problem: SchedulingProblem, deadlineS: number, seen: ServersSeen) {
    const { tasks, hosts } = problem
    this.#problem = problem
    this.#deadlineS = deadlineS
    this.#seen = seen
    this.#ranks = upwardRanks(problem)
    this.#priority = taskPriorities(problem)
    this.#freeS = problem.freeAtS.map((free, host) =>
      host === 0 ? free : Math.max(0, free - seen.publishedAgoS[host - 1]!),
    )
    this.#sentS = Float64Array.from({ length: hosts }, (_, host) => (host === 0 ? 0 : seen.sentS[host - 1]!))
    this.#finishS = new Float64Array(tasks).fill(Number.POSITIVE_INFINITY)
    this.plan = { host: new Int32Array(tasks).fill(-1), sequence: new Int32Array(tasks) }
  }

  /** The task that is ready first, of several the most urgent one; undefined when all have been placed. */
  next(): number | undefined {
    const { tasks } = this.#problem
    let best: number | undefined
    for (let task = 0; task < tasks; task++) {
      if (this.plan.host[task] !== -1) continue
      const readyS = this.#readyS(task)
      if (readyS === Number.POSITIVE_INFINITY) continue
      const before = best === undefined ? Number.POSITIVE_INFINITY : this.#readyS(best)
      const urgent = best === undefined || this.#priority[task]! > this.#priority[best]!
      if (readyS < before || (readyS === before && urgent)) best = task
    }
    return best
  }

  /** Writes what the agent sees of a task that is ready; of no task, what it has to tell of its work. */
  observe(task: number | undefined, into: OffloadObservation): void {
    const { hosts, executionS, executionJ } = this.#problem
    into.deadlineS = this.#deadlineS
    into.deciding = task !== undefined
    into.sentS.set(this.#sentS)
    if (task === undefined) return
    const atS = this.#readyS(task)
    const own = task * hosts
    const hereS = executionS[own]!
    const onceS =
      hereS < Number.POSITIVE_INFINITY ? hereS : Math.min(...executionS.subarray(own, own + hosts))
    into.restS = Math.max(0, this.#ranks[task]! - onceS)
    into.priority = this.#priority[task]!
    for (let host = 0; host < hosts; host++) {
      const at = own + host
      into.allowed[host] = executionS[at]! < Number.POSITIVE_INFINITY ? 1 : 0
      into.waitS[host] = host === 0 ? 0 : this.#seen.uplinkWaitS
      into.transferS[host] = this.#transferS(task, host)
      into.executionS[host] = executionS[at]!
      into.queueS[host] = Math.max(0, this.#queueS(host) - atS) + this.#sentS[host]!
      into.sharers[host] = 1
      into.energy[host] = executionJ[own]! > 0 ? executionJ[at]! / executionJ[own]! : 0
    }
  }

  /** Puts a task on a host. Returns by how many seconds the host's queue grows. */
  take(task: number, host: number): number {
    const { hosts, executionS } = this.#problem
    const seconds = executionS[task * hosts + host]!
    const thereS = this.#readyS(task) + this.#transferS(task, host)
    this.#finishS[task] = Math.max(thereS, this.#freeS[host]!) + seconds
    this.#freeS[host] = this.#finishS[task]!
    this.plan.host[task] = host
    this.plan.sequence[this.#placed++] = task
    if (host === 0) return seconds
    const share = seconds / this.#seen.workers[host - 1]!
    this.#sentS[host]! += share
    return share
  }

  /** What was there before this run; of the device, this run's own work too. */
  #queueS(host: number): number {
    const published = this.#problem.freeAtS[host]! - (this.#seen.publishedAgoS[host - 1] ?? 0)
    return host === 0 ? this.#freeS[0]! : published
  }

  #readyS(task: number): number {
    const { firstIn, source } = this.#problem
    let readyS = 0
    for (let edge = firstIn[task]!; edge < firstIn[task + 1]!; edge++) {
      readyS = Math.max(readyS, this.#finishS[source[edge]!]!)
    }
    return readyS
  }

  /** Seconds until all that a task needs can be at a host, were it sent when the last of it is there. */
  #transferS(task: number, host: number): number {
    const { hosts, firstIn, source, inBits, bitS, inputAtS, arrivalS, jobOf } = this.#problem
    let seconds = host === 0 ? 0 : inputAtS[task * hosts + host]! - arrivalS[jobOf[task]!]!
    for (let edge = firstIn[task]!; edge < firstIn[task + 1]!; edge++) {
      const bits = inBits[edge]!
      if (bits > 0) seconds = Math.max(seconds, bits * bitS[this.plan.host[source[edge]!]! * hosts + host]!)
    }
    return seconds
  }
}
