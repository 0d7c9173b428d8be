import { dividedPlan } from './divided-plan.ts'
import type { SchedulePlan, Timeline } from './plan.ts'
import type { SchedulingProblem } from './problem.ts'

/**
 * Works out when each task starts and ends: when its host is through with what it was given before, and all that the task
 * needs has come. Transfers do not wait for each other.
 *
 * @param into written and returned, so that a search allocates nothing; of plans that divide nothing
 * @param freeS room for one number a host
 */
export function timelineOf(
  problem: SchedulingProblem,
  plan: SchedulePlan,
  into: Timeline = { startS: new Float64Array(problem.tasks), finishS: new Float64Array(problem.tasks) },
  freeS: Float64Array = new Float64Array(problem.hosts),
): Timeline {
  if (plan.share) {
    const parts = dividedPlan(problem, plan)
    return timelineOf(parts.problem, parts.plan)
  }
  const { host, sequence } = plan
  const { hosts, executionS, inputAtS, firstIn, source, inBits, bitS } = problem
  const { startS, finishS } = into
  freeS.set(problem.freeAtS)
  for (let at = 0; at < sequence.length; at++) {
    const task = sequence[at]!
    const on = host[task]!
    let start = Math.max(freeS[on]!, inputAtS[task * hosts + on]!)
    for (let edge = firstIn[task]!, end = firstIn[task + 1]!; edge < end; edge++) {
      const from = source[edge]!
      const bits = inBits[edge]!
      const there = finishS[from]! + (bits > 0 ? bits * bitS[host[from]! * hosts + on]! : 0)
      if (there > start) start = there
    }
    startS[task] = start
    freeS[on] = finishS[task] = start + executionS[task * hosts + on]!
  }
  return into
}
