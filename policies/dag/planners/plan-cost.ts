import { costOfPlan } from '../schedule/cost.ts'
import type { SchedulePlan, Timeline } from '../schedule/plan.ts'
import type { SchedulingProblem } from '../schedule/problem.ts'
import { timelineOf } from '../schedule/timeline.ts'
import { checkGoal } from './check-goal.ts'
import type { PlanningGoal } from './planner.ts'

/** What `costOfPlan` gives, without allocating: for searches that ask often. */
export class PlanCost {
  readonly timeline: Timeline
  evaluations = 0
  private readonly problem: SchedulingProblem
  private readonly goal: PlanningGoal
  private readonly freeS: Float64Array
  private readonly doneS: Float64Array
  private readonly busyS: Float64Array

  /** @throws IsthmusError `BAD_OPTION` for weights or a reference by which nothing can be compared */
  constructor(problem: SchedulingProblem, goal: PlanningGoal) {
    checkGoal(goal)
    this.problem = problem
    this.goal = goal
    this.timeline = { startS: new Float64Array(problem.tasks), finishS: new Float64Array(problem.tasks) }
    this.freeS = new Float64Array(problem.hosts)
    this.doneS = new Float64Array(problem.jobs.length)
    this.busyS = new Float64Array(problem.hosts)
  }

  of(plan: SchedulePlan): number {
    const { weights, reference } = this.goal
    const { latency = 0, energy = 0, imbalance = 0 } = weights
    this.evaluations++
    if (plan.share) return costOfPlan(this.problem, plan, weights, reference)
    timelineOf(this.problem, plan, this.timeline, this.freeS)
    let cost = 0
    if (latency > 0) cost += (latency * this.latencyS(plan.host)) / reference.latencyS
    if (energy > 0) cost += (energy * energyOf(this.problem, plan.host)) / reference.energyJ
    if (imbalance > 0) cost += imbalance * this.imbalance(plan.host)
    return cost
  }

  private latencyS(host: Int32Array): number {
    const { tasks, hosts, jobOf, arrivalS, returnS } = this.problem
    const { finishS } = this.timeline
    const { doneS } = this
    doneS.set(arrivalS)
    for (let task = 0; task < tasks; task++) {
      const done = finishS[task]! + returnS[task * hosts + host[task]!]!
      if (done > doneS[jobOf[task]!]!) doneS[jobOf[task]!] = done
    }
    let sum = 0
    for (let job = 0; job < doneS.length; job++) sum += doneS[job]! - arrivalS[job]!
    return sum / doneS.length
  }

  private imbalance(host: Int32Array): number {
    const { tasks, hosts, firstServer } = this.problem
    const { startS, finishS } = this.timeline
    const { busyS } = this
    const servers = hosts - firstServer
    busyS.fill(0)
    for (let task = 0; task < tasks; task++) busyS[host[task]!]! += finishS[task]! - startS[task]!
    let sum = 0
    for (let server = firstServer; server < hosts; server++) sum += busyS[server]!
    if (sum === 0) return 0
    const mean = sum / servers
    let square = 0
    for (let server = firstServer; server < hosts; server++) square += (busyS[server]! - mean) ** 2
    return Math.sqrt(square / servers) / mean
  }
}

/** Energy of running each task where `host` says, J. */
export function energyOf(problem: SchedulingProblem, host: Int32Array): number {
  const { tasks, hosts, firstIn, source, inBits, bitJ } = problem
  let sum = 0
  for (let task = 0; task < tasks; task++) {
    const on = host[task]!
    sum += taskEnergyJ(problem, task, on)
    for (let edge = firstIn[task]!; edge < firstIn[task + 1]!; edge++) {
      sum += inBits[edge]! * bitJ[host[source[edge]!]! * hosts + on]!
    }
  }
  return sum
}

/** What a task takes on a host beside what other tasks hand to it, J: execution, its input, the device idling meanwhile. */
export function taskEnergyJ(problem: SchedulingProblem, task: number, host: number): number {
  const { hosts, firstServer, platform, executionS, executionJ, inputJ } = problem
  const at = task * hosts + host
  const own = executionJ[at]! + inputJ[at]!
  if (host < firstServer) return own
  return own + executionS[at]! * platform.devices[problem.deviceOf[problem.jobOf[task]!]!]!.idleW
}
