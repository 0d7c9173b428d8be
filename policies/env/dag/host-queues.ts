import type { SchedulingProblem } from '../../dag/index.ts'

/** A task on its way to a host. */
interface Coming {
  readonly task: number
  readonly arriveS: number
}

/**
 * The queues of all hosts: tasks run one at a time in the order in which what they need has come. Starts are fixed once nothing
 * can come before them.
 */
export class HostQueues {
  private readonly problem: SchedulingProblem
  private readonly coming: Coming[][]
  /** `[host]`: through with all that has started by then. */
  readonly freeAtS: Float64Array
  /** `[host]`: seconds of work on its way there. */
  readonly comingS: Float64Array
  /** `[task]`: Infinity until it is known. */
  readonly startS: Float64Array
  readonly finishS: Float64Array

  constructor(problem: SchedulingProblem) {
    this.problem = problem
    this.coming = Array.from({ length: problem.hosts }, () => [])
    this.freeAtS = problem.freeAtS.slice()
    this.comingS = new Float64Array(problem.hosts)
    this.startS = new Float64Array(problem.tasks).fill(Infinity)
    this.finishS = new Float64Array(problem.tasks).fill(Infinity)
  }

  add(task: number, host: number, arriveS: number): void {
    const queue = this.coming[host]!
    let at = queue.length
    while (at > 0 && queue[at - 1]!.arriveS > arriveS) at--
    queue.splice(at, 0, { task, arriveS })
    this.comingS[host]! += this.problem.executionS[task * this.problem.hosts + host]!
  }

  /** Starts all that has come by `nowS`. Calls `started` for each. */
  advance(nowS: number, started: (task: number) => void): void {
    const { hosts, executionS } = this.problem
    for (let host = 0; host < hosts; host++) {
      const queue = this.coming[host]!
      while (queue.length > 0 && queue[0]!.arriveS <= nowS) {
        const { task, arriveS } = queue.shift()!
        const seconds = executionS[task * hosts + host]!
        this.startS[task] = Math.max(arriveS, this.freeAtS[host]!)
        this.freeAtS[host] = this.finishS[task] = this.startS[task]! + seconds
        this.comingS[host]! -= seconds
        started(task)
      }
    }
  }

  /** Calls `visit` for each task that is on its way. */
  eachComing(visit: (task: number, host: number) => void): void {
    for (const [host, queue] of this.coming.entries()) for (const { task } of queue) visit(task, host)
  }

  /** Seconds of work that a host has left of what has come to it. */
  backlogS(host: number, nowS: number): number {
    return Math.max(0, this.freeAtS[host]! - nowS)
  }
}
