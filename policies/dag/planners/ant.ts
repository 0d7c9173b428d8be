import type { RandomStream } from '../../env/index.ts'
import type { SchedulingProblem } from '../schedule/problem.ts'
import { placementCost, startOn } from './greedy.ts'
import type { PlanningGoal } from './planner.ts'

/** Exponents of pheromone and of scores, and how much an ant's order of tasks departs from the priorities. */
export interface AntHabits {
  readonly alpha: number
  readonly beta: number
  readonly orderNoise: number
}

/** Makes plans: tasks in an order drawn by priority, each to a host drawn by pheromone and score. */
export class Ant {
  readonly host: Int32Array
  readonly sequence: Int32Array
  habits: AntHabits
  private readonly problem: SchedulingProblem
  private readonly goal: PlanningGoal
  /** `[task, host]`, or what greedy thinks while the plan grows. */
  private readonly scores: ArrayLike<number> | undefined
  private readonly finishS: Float64Array
  private readonly freeS: Float64Array
  private readonly busyS: Float64Array
  private readonly waits: Int32Array
  private readonly drawn: Float64Array
  private readonly chances: Float64Array

  constructor(
    problem: SchedulingProblem,
    goal: PlanningGoal,
    habits: AntHabits,
    scores: ArrayLike<number> | undefined,
  ) {
    const { tasks, hosts } = problem
    this.problem = problem
    this.goal = goal
    this.habits = habits
    this.scores = scores
    this.host = new Int32Array(tasks)
    this.sequence = new Int32Array(tasks)
    this.finishS = new Float64Array(tasks)
    this.freeS = new Float64Array(hosts)
    this.busyS = new Float64Array(hosts)
    this.waits = new Int32Array(tasks)
    this.drawn = new Float64Array(tasks)
    this.chances = new Float64Array(hosts)
  }

  /** @param priorities `[task]`, 0 … 1: the higher the earlier */
  walk(trail: Float64Array, priorities: ArrayLike<number>, random: RandomStream): void {
    const { tasks, hosts, firstIn, firstOut, target, executionS, freeAtS } = this.problem
    const { host, sequence, finishS, freeS, busyS, waits, drawn } = this
    freeS.set(freeAtS)
    busyS.fill(0)
    for (let task = 0; task < tasks; task++) {
      waits[task] = firstIn[task + 1]! - firstIn[task]!
      drawn[task] = priorities[task]! + this.habits.orderNoise * random.normal()
    }
    for (let at = 0; at < tasks; at++) {
      let task = -1
      for (let ready = 0; ready < tasks; ready++) {
        if (waits[ready] === 0 && (task < 0 || drawn[ready]! > drawn[task]!)) task = ready
      }
      waits[task] = -1
      for (let edge = firstOut[task]!; edge < firstOut[task + 1]!; edge++) waits[target[edge]!]!--
      sequence[at] = task
      const on = this.draw(trail, task, random)
      host[task] = on
      const length = executionS[task * hosts + on]!
      freeS[on] = finishS[task] = startOn(this.problem, host, finishS, freeS, task, on) + length
      busyS[on]! += length
    }
  }

  private draw(trail: Float64Array, task: number, random: RandomStream): number {
    const { problem, chances } = this
    const { hosts, executionS } = problem
    const { alpha, beta } = this.habits
    let sum = 0
    let last = -1
    for (let on = 0; on < hosts; on++) {
      const at = task * hosts + on
      chances[on] = 0
      if (executionS[at] === Infinity) continue
      last = on
      chances[on] = trail[at]! ** alpha * this.scoreOf(task, on) ** beta
      sum += chances[on]!
    }
    let left = sum * random.uniform()
    for (let on = 0; on < hosts; on++) {
      left -= chances[on]!
      if (left < 0 && chances[on]! > 0) return on
    }
    return last
  }

  private scoreOf(task: number, on: number): number {
    const { problem, goal, host, finishS, freeS, busyS } = this
    if (this.scores) return this.scores[task * problem.hosts + on]!
    const start = startOn(problem, host, finishS, freeS, task, on)
    return 1 / Math.max(1e-12, placementCost(problem, goal, host, busyS, task, on, start))
  }
}
