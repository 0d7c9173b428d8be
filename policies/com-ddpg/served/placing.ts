import { type SchedulePlan, type SchedulingProblem, taskPriorities, upwardRank } from '../../dag/index.ts'
import type { OffloadObservation } from '../../env/index.ts'

/** What takes longer fits into no message, or no link. */
const LONGEST_S = 7200

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
  readonly plan: Required<SchedulePlan>
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
    this.#ranks = upwardRank(problem)
    this.#priority = taskPriorities(problem)
    this.#freeS = problem.freeAtS.map((free, host) =>
      host === 0 ? free : Math.max(0, this.#publishedS(host)),
    )
    this.#sentS = Float64Array.from({ length: hosts }, (_, host) => (host === 0 ? 0 : seen.sentS[host - 1]!))
    this.#finishS = new Float64Array(tasks).fill(Number.POSITIVE_INFINITY)
    this.plan = {
      host: new Int32Array(tasks).fill(-1),
      sequence: new Int32Array(tasks),
      share: new Float64Array(tasks).fill(1),
    }
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
    const { hosts, executionS, executionJ, returnS } = this.#problem
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
    into.divisible = this.#problem.divisible[task] === 1 && hereS < Number.POSITIVE_INFINITY
    for (let host = 0; host < hosts; host++) {
      const at = own + host
      into.waitS[host] = host === 0 ? 0 : this.#seen.uplinkWaitS
      into.transferS[host] = this.#transferS(task, host)
      const wayS = into.transferS[host]! + returnS[at]! + executionS[at]!
      into.allowed[host] = wayS <= LONGEST_S ? 1 : 0
      into.executionS[host] = executionS[at]!
      const leftS = (host === 0 ? this.#freeS[0]! : this.#publishedS(host)) - atS
      into.publishedS[host] = host === 0 ? 0 : leftS
      into.queueS[host] = Math.max(0, leftS) + this.#sentS[host]!
      into.sharers[host] = 1
      into.energy[host] = executionJ[own]! > 0 ? executionJ[at]! / executionJ[own]! : 0
    }
    if (into.allowed.includes(1)) return
    for (let host = 0; host < hosts; host++)
      into.allowed[host] = executionS[own + host]! < Number.POSITIVE_INFINITY ? 1 : 0
  }

  /**
   * Puts a task on a host, or a share of it, and the rest on the device. Returns by how much the host's queue grows, and when the task sets
   * out and can be there, from now.
   */
  take(task: number, host: number, share = 1): { seconds: number; setsOutS: number; thereS: number } {
    const { hosts, executionS } = this.#problem
    const ownS = share * executionS[task * hosts + host]!
    const setsOutS = this.#readyS(task)
    const waitS = host === 0 ? 0 : this.#seen.uplinkWaitS
    const thereS = setsOutS + waitS + share * this.#transferS(task, host)
    this.#finishS[task] = this.#freeS[host] = Math.max(thereS, this.#freeS[host]!) + ownS
    if (share < 1) {
      const hereS = setsOutS + (1 - share) * this.#transferS(task, 0)
      this.#freeS[0] = Math.max(hereS, this.#freeS[0]!) + (1 - share) * executionS[task * hosts]!
      this.#finishS[task] = Math.max(this.#finishS[task]!, this.#freeS[0])
    }
    this.plan.host[task] = host
    this.plan.share[task] = share
    this.plan.sequence[this.#placed++] = task
    const seconds = host === 0 ? ownS : ownS / this.#seen.workers[host - 1]!
    if (host > 0) this.#sentS[host]! += seconds
    return { seconds, setsOutS, thereS }
  }

  /** What a server published, less the time since then. */
  #publishedS(host: number): number {
    return this.#problem.freeAtS[host]! - this.#seen.publishedAgoS[host - 1]!
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
      if (bits === 0) continue
      const from = source[edge]!
      const share = this.plan.share[from]!
      seconds = Math.max(seconds, share * bits * bitS[this.plan.host[from]! * hosts + host]!)
      if (share < 1) seconds = Math.max(seconds, (1 - share) * bits * bitS[host]!)
    }
    return seconds
  }
}
