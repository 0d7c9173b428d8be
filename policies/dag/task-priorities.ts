import { ahpWeights } from './ahp.ts'
import { upwardRank } from './planners/upward-rank.ts'
import type { SchedulingProblem } from './schedule/problem.ts'

/** Importance of slack to rank, slack to data and rank to data: what is urgent first, then what holds up most. */
const COMPARISONS = [
  [1, 2, 4],
  [1 / 2, 1, 2],
  [1 / 4, 1 / 2, 1],
] as const

/**
 * Priority of each task, from 0 to 1: little slack, much work behind it and much data, weighed by the analytic hierarchy
 * process, each scaled to the lowest and highest of its job. Slack is the job's deadline (twice its critical path where
 * it has none) less what the task and all behind it take. `[task]`
 */
export function taskPriorities(
  problem: SchedulingProblem,
  comparisons: readonly (readonly number[])[] = COMPARISONS,
): Float64Array {
  const { weights } = ahpWeights(comparisons)
  const { tasks, jobOf, jobs, inGraph, firstIn, inBits } = problem
  const ranks = upwardRank(problem)
  const depth = depths(problem)
  const bits = new Float64Array(tasks)
  for (let task = 0; task < tasks; task++) {
    bits[task] = jobs[jobOf[task]!]!.graph.tasks[inGraph[task]!]!.inputBits ?? 0
    for (let edge = firstIn[task]!; edge < firstIn[task + 1]!; edge++) bits[task]! += inBits[edge]!
  }
  const slack = new Float64Array(tasks)
  for (let task = 0; task < tasks; task++) slack[task] = -(depth[task]! + ranks[task]!)
  const priority = new Float64Array(tasks)
  for (const [at, values] of [slack.map((value) => -value), ranks, bits].entries()) {
    const scaled = scaledByJob(problem, values)
    for (let task = 0; task < tasks; task++) priority[task]! += weights[at]! * scaled[task]!
  }
  return priority
}

/** Longest way from the beginning of the job to each task, in tasks' mean seconds. */
function depths({ tasks, hosts, executionS, firstIn, source }: SchedulingProblem): Float64Array {
  const depth = new Float64Array(tasks)
  for (let task = 0; task < tasks; task++) {
    for (let edge = firstIn[task]!; edge < firstIn[task + 1]!; edge++) {
      const from = source[edge]!
      let least = Infinity
      for (let host = 0; host < hosts; host++) least = Math.min(least, executionS[from * hosts + host]!)
      depth[task] = Math.max(depth[task]!, depth[from]! + least)
    }
  }
  return depth
}

function scaledByJob({ tasks, jobOf, jobs }: SchedulingProblem, values: Float64Array): Float64Array {
  const low = new Float64Array(jobs.length).fill(Infinity)
  const high = new Float64Array(jobs.length).fill(-Infinity)
  for (let task = 0; task < tasks; task++) {
    const job = jobOf[task]!
    low[job] = Math.min(low[job]!, values[task]!)
    high[job] = Math.max(high[job]!, values[task]!)
  }
  return values.map((value, task) => {
    const job = jobOf[task]!
    return high[job]! > low[job]! ? (value - low[job]!) / (high[job]! - low[job]!) : 1
  })
}
