import { dividedPlan } from './divided-plan.ts'
import type { Outcome, SchedulePlan, Timeline } from './plan.ts'
import type { SchedulingProblem } from './problem.ts'

/** What a plan brings, by its timeline: the one measure of every scheduler. */
export function outcomeOf(problem: SchedulingProblem, plan: SchedulePlan, timeline: Timeline): Outcome {
  if (plan.share) {
    const parts = dividedPlan(problem, plan)
    return outcomeOf(parts.problem, parts.plan, timeline)
  }
  const { host } = plan
  const { startS, finishS } = timeline
  const { tasks, hosts, firstServer, jobs, platform, executionS, executionJ, inputJ, returnS } = problem
  const { firstIn, source, inBits, bitJ } = problem
  const doneS = problem.arrivalS.slice()
  const busyS = new Float64Array(hosts)
  let serverJ = 0
  let deviceJ = 0
  for (let task = 0; task < tasks; task++) {
    const on = host[task]!
    const at = task * hosts + on
    const job = problem.jobOf[task]!
    busyS[on]! += finishS[task]! - startS[task]!
    doneS[job] = Math.max(doneS[job]!, finishS[task]! + returnS[at]!)
    deviceJ += inputJ[at]!
    if (on < firstServer) deviceJ += executionJ[at]!
    else {
      serverJ += executionJ[at]!
      deviceJ += executionS[at]! * platform.devices[problem.deviceOf[job]!]!.idleW
    }
    for (let edge = firstIn[task]!; edge < firstIn[task + 1]!; edge++) {
      deviceJ += inBits[edge]! * bitJ[host[source[edge]!]! * hosts + on]!
    }
  }
  let latency = 0
  let makespanS = 0
  for (const [job, done] of doneS.entries()) {
    latency += done - problem.arrivalS[job]!
    makespanS = Math.max(makespanS, done)
  }
  return {
    latencyS: latency / Math.max(1, jobs.length),
    makespanS,
    energyJ: serverJ + deviceJ,
    deviceEnergyJ: deviceJ,
    imbalance: relativeDeviation(busyS.subarray(firstServer)),
    utilisation: busyS.map((busy) => (makespanS > 0 ? busy / makespanS : 0)),
  }
}

function relativeDeviation(values: Float64Array): number {
  if (values.length === 0) return 0
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  if (mean === 0) return 0
  const square = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
  return Math.sqrt(square) / mean
}
