import type { SchedulePlan } from '../schedule/plan.ts'
import type { SchedulingProblem } from '../schedule/problem.ts'
import { placeEarliest } from './heft.ts'
import { HostSlots } from './host-slots.ts'
import { PlanCost } from './plan-cost.ts'
import type { PlanningGoal } from './planner.ts'
import { rankOrder } from './upward-rank.ts'

/**
 * A plan that grows task by task in the order of upward ranks, and can tell what it would cost with the next task on a host and all
 * others placed as HEFT would (the pilot method of Duin and Voß 1999).
 */
export class GrowingPlan {
  readonly problem: SchedulingProblem
  readonly slots: HostSlots
  readonly order: Int32Array
  /** Tasks placed so far: the next is `order[placed]`. */
  placed = 0
  private readonly costs: PlanCost

  constructor(problem: SchedulingProblem, goal: PlanningGoal) {
    this.problem = problem
    this.slots = new HostSlots(problem)
    this.order = rankOrder(problem)
    this.costs = new PlanCost(problem, goal)
  }

  get over(): boolean {
    return this.placed === this.order.length
  }

  /** The next task. */
  get task(): number {
    return this.order[this.placed]!
  }

  /** The plan with the next task on `host` and HEFT for the rest; undefined where it cannot run. */
  pilot(host: number): { plan: SchedulePlan; cost: number } | undefined {
    const { problem, slots, order, placed } = this
    const task = this.task
    if (problem.executionS[task * problem.hosts + host] === Infinity) return undefined
    slots.place(task, host)
    for (let at = placed + 1; at < order.length; at++) placeEarliest(problem, slots, order[at]!)
    const plan = slots.plan()
    for (let at = placed; at < order.length; at++) slots.remove(order[at]!)
    return { plan, cost: this.costs.of(plan) }
  }

  place(host: number): void {
    this.slots.place(this.task, host)
    this.placed++
  }
}
