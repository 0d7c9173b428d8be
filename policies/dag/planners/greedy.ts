import type { SchedulingProblem } from '../schedule/problem.ts'
import { checkGoal } from './check-goal.ts'
import { taskEnergyJ } from './plan-cost.ts'
import type { Planner, PlanningGoal } from './planner.ts'
import { rankOrder } from './upward-rank.ts'

/**
 * Each task in the order of upward rank to the host with the least weighted cost: time from the job's arrival until the task is
 * done there and its output at the device, energy that it adds, and how uneven the servers' work becomes.
 */
export const greedy: Planner = {
  name: 'greedy',
  plan(problem, goal) {
    checkGoal(goal)
    const { tasks, hosts, executionS } = problem
    const sequence = rankOrder(problem)
    const host = new Int32Array(tasks)
    const finishS = new Float64Array(tasks)
    const freeS = problem.freeAtS.slice()
    const busyS = new Float64Array(hosts)
    for (const task of sequence) {
      let best = -1
      let bestCost = Infinity
      let bestStart = 0
      for (let on = 0; on < hosts; on++) {
        if (executionS[task * hosts + on]! === Infinity) continue
        const start = startOn(problem, host, finishS, freeS, task, on)
        const cost = placementCost(problem, goal, host, busyS, task, on, start)
        if (cost >= bestCost && best >= 0) continue
        best = on
        bestCost = cost
        bestStart = start
      }
      host[task] = best
      freeS[best] = finishS[task] = bestStart + executionS[task * hosts + best]!
      busyS[best]! += executionS[task * hosts + best]!
    }
    return { host, sequence }
  },
}

/** When a task would start on a host behind those placed before, s. */
export function startOn(
  { hosts, inputAtS, firstIn, source, inBits, bitS }: SchedulingProblem,
  host: Int32Array,
  finishS: Float64Array,
  freeS: Float64Array,
  task: number,
  on: number,
): number {
  let start = Math.max(freeS[on]!, inputAtS[task * hosts + on]!)
  for (let edge = firstIn[task]!; edge < firstIn[task + 1]!; edge++) {
    const from = source[edge]!
    const bits = inBits[edge]!
    start = Math.max(start, finishS[from]! + (bits > 0 ? bits * bitS[host[from]! * hosts + on]! : 0))
  }
  return start
}

/** Cost of a task on a host as `greedy` counts it; `host` and `busyS` say what was placed before. */
export function placementCost(
  problem: SchedulingProblem,
  { weights, reference }: PlanningGoal,
  host: Int32Array,
  busyS: Float64Array,
  task: number,
  on: number,
  startS: number,
): number {
  const { hosts, jobOf, arrivalS, executionS, returnS } = problem
  const { latency = 0, energy = 0, imbalance = 0 } = weights
  const at = task * hosts + on
  let cost = 0
  if (latency > 0) {
    const doneS = startS + executionS[at]! + returnS[at]! - arrivalS[jobOf[task]!]!
    cost += (latency * doneS) / reference.latencyS
  }
  if (energy > 0) cost += (energy * addedJ(problem, host, task, on)) / reference.energyJ
  if (imbalance > 0) cost += imbalance * imbalanceWith(problem, busyS, on, executionS[at]!)
  return cost
}

function addedJ(problem: SchedulingProblem, host: Int32Array, task: number, on: number): number {
  const { hosts, firstIn, source, inBits, bitJ } = problem
  let sum = taskEnergyJ(problem, task, on)
  for (let edge = firstIn[task]!; edge < firstIn[task + 1]!; edge++) {
    if (inBits[edge]! > 0) sum += inBits[edge]! * bitJ[host[source[edge]!]! * hosts + on]!
  }
  return sum
}

function imbalanceWith(
  { hosts, firstServer }: SchedulingProblem,
  busyS: Float64Array,
  on: number,
  moreS: number,
): number {
  const servers = hosts - firstServer
  let sum = 0
  let square = 0
  for (let server = firstServer; server < hosts; server++) {
    const busy = busyS[server]! + (server === on ? moreS : 0)
    sum += busy
    square += busy * busy
  }
  if (sum === 0) return 0
  const mean = sum / servers
  return Math.sqrt(Math.max(0, square / servers - mean * mean)) / mean
}
