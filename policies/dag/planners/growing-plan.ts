import type { SchedulePlan } from '../schedule/plan.ts'
import type { SchedulingProblem } from '../schedule/problem.ts'
import { placeEarliest } from './heft.ts'
import { HostSlots } from './host-slots.ts'
import { PlanCost } from './plan-cost.ts'
import type { PlanningGoal } from './planner.ts'
import { rankOrder } from './upward-rank.ts'

/** A task that could be placed next, and a host for it. */
export interface Placement {
  readonly task: number
  readonly host: number
}

/** A plan that goes on with a placement, the rest placed as HEFT would, and its cost. */
export interface Pilot extends Placement {
  readonly plan: SchedulePlan
  readonly cost: number
}

/**
 * A plan that grows task by task, and can tell what it would cost with a task on a host and all others placed as HEFT would (the
 * pilot method of Duin and Voß 1999).
 */
export class GrowingPlan {
  readonly problem: SchedulingProblem
  readonly slots: HostSlots
  /** Tasks that have no host yet, by upward rank. */
  readonly left: number[]
  private readonly costs: PlanCost

  constructor(problem: SchedulingProblem, goal: PlanningGoal) {
    this.problem = problem
    this.slots = new HostSlots(problem)
    this.left = Array.from(rankOrder(problem))
    this.costs = new PlanCost(problem, goal)
  }

  get over(): boolean {
    return this.left.length === 0
  }

  /** The tasks, `most` at most and by rank, for which all that they wait for is placed. */
  ready(most: number): number[] {
    const { firstIn, source } = this.problem
    const found: number[] = []
    for (const task of this.left) {
      let ready = true
      for (let edge = firstIn[task]!; ready && edge < firstIn[task + 1]!; edge++) {
        ready = this.slots.host[source[edge]!]! >= 0
      }
      if (ready && found.push(task) === most) break
    }
    return found
  }

  /** Undefined where the task cannot run. */
  pilot(task: number, host: number): Pilot | undefined {
    const { problem, slots, left } = this
    if (problem.executionS[task * problem.hosts + host] === Infinity) return undefined
    slots.place(task, host)
    for (const other of left) if (other !== task) placeEarliest(problem, slots, other)
    const plan = slots.plan()
    for (const other of left) slots.remove(other)
    return { task, host, plan, cost: this.costs.of(plan) }
  }

  place({ task, host }: Placement): void {
    this.slots.place(task, host)
    this.left.splice(this.left.indexOf(task), 1)
  }
}
