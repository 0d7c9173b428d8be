import type { SchedulingProblem } from '../schedule/problem.ts'

/**
 * Upward rank of each task, s (Topcuoglu et al. 2002): mean execution plus the longest mean way from there to the end, means
 * over the hosts that may run the tasks. Counts the way of an output to the device. Never rises along an edge.
 */
export function upwardRank(problem: SchedulingProblem): Float64Array {
  const { tasks, hosts, executionS, returnS, firstOut, target, outBits } = problem
  const rank = new Float64Array(tasks)
  const bitS = meanBitS(problem)
  for (let task = tasks - 1; task >= 0; task--) {
    let allowed = 0
    let execution = 0
    let after = 0
    for (let host = 0; host < hosts; host++) {
      const at = task * hosts + host
      if (executionS[at]! === Infinity) continue
      allowed++
      execution += executionS[at]!
      after += returnS[at]!
    }
    after /= allowed
    for (let edge = firstOut[task]!; edge < firstOut[task + 1]!; edge++) {
      const next = target[edge]!
      after = Math.max(after, outBits[edge]! * bitS[problem.jobOf[task]!]! + rank[next]!)
    }
    rank[task] = execution / allowed + after
  }
  return rank
}

/** Mean seconds of a bit between two hosts that a job may use, staying on one included; `[job]`. */
function meanBitS({ jobs, hosts, firstServer, deviceOf, bitS }: SchedulingProblem): Float64Array {
  return Float64Array.from(jobs.keys(), (job) => {
    let pairs = 0
    let sum = 0
    for (let from = 0; from < hosts; from++) {
      for (let to = 0; to < hosts; to++) {
        const usable = (host: number) => host >= firstServer || host === deviceOf[job]
        if (!usable(from) || !usable(to) || bitS[from * hosts + to]! === Infinity) continue
        pairs++
        sum += bitS[from * hosts + to]!
      }
    }
    return sum / pairs
  })
}

/** Tasks by upward rank, highest first, ties by number: an order in which none comes before one that it waits for. */
export function rankOrder(problem: SchedulingProblem, rank = upwardRank(problem)): Int32Array {
  return Int32Array.from(problem.jobOf.keys()).sort((a, b) => rank[b]! - rank[a]! || a - b)
}
