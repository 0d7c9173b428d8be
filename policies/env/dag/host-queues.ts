import type { SchedulingProblem } from '../../dag/index.ts'

/** A task, or a part of one, on its way to a host. */
interface Coming {
  readonly part: number
  readonly arriveS: number
  /** Of work. */
  readonly seconds: number
}

/**
 * The queues of all hosts: tasks run one at a time in the order in which what they need has come. Starts are fixed once nothing
 * can come before them. Of a task that is divided the server's part has the task's number, and the device's `problem.tasks` more.
 */
export class HostQueues {
  private readonly coming: Coming[][]
  /** `[host]`: through with all that has started by then. */
  readonly freeAtS: Float64Array
  /** `[host]`: seconds of work on its way there. */
  readonly comingS: Float64Array
  /** `[part]`: Infinity until it is known. */
  readonly startS: Float64Array
  readonly finishS: Float64Array

  constructor(problem: SchedulingProblem) {
    this.coming = Array.from({ length: problem.hosts }, () => [])
    this.freeAtS = problem.freeAtS.slice()
    this.comingS = new Float64Array(problem.hosts)
    const parts = problem.divisible.includes(1) ? 2 * problem.tasks : problem.tasks
    this.startS = new Float64Array(parts).fill(Infinity)
    this.finishS = new Float64Array(parts).fill(Infinity)
  }

  add(part: number, host: number, arriveS: number, seconds: number): void {
    const queue = this.coming[host]!
    let at = queue.length
    while (at > 0 && queue[at - 1]!.arriveS > arriveS) at--
    queue.splice(at, 0, { part, arriveS, seconds })
    this.comingS[host]! += seconds
  }

  /** Starts all that has come by `nowS`. Calls `started` for each. */
  advance(nowS: number, started: (part: number) => void): void {
    for (const [host, queue] of this.coming.entries()) {
      while (queue.length > 0 && queue[0]!.arriveS <= nowS) {
        const { part, arriveS, seconds } = queue.shift()!
        this.startS[part] = Math.max(arriveS, this.freeAtS[host]!)
        this.freeAtS[host] = this.finishS[part] = this.startS[part]! + seconds
        this.comingS[host]! -= seconds
        started(part)
      }
    }
  }

  /** Calls `visit` for each part that is on its way, with its seconds of work. */
  eachComing(visit: (part: number, host: number, seconds: number) => void): void {
    for (const [host, queue] of this.coming.entries())
      for (const { part, seconds } of queue) visit(part, host, seconds)
  }

  /** Seconds of work that a host has left of what has come to it. */
  backlogS(host: number, nowS: number): number {
    return Math.max(0, this.freeAtS[host]! - nowS)
  }
}
