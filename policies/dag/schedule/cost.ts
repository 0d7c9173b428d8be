import { outcomeOf } from './outcome.ts'
import type { Outcome, SchedulePlan, Timeline } from './plan.ts'
import type { SchedulingProblem } from './problem.ts'
import { timelineOf } from './timeline.ts'

/** Weights of what a plan costs; those that are left out count nothing. */
export interface ScheduleWeights {
  readonly latency?: number
  /** Of devices and servers. */
  readonly energy?: number
  readonly imbalance?: number
}

/** What latency and energy are measured by: those of running every task on its own user's device. */
export interface CostReference {
  readonly latencyS: number
  readonly energyJ: number
}

/**
 * Latency and energy of the plan that runs every task on the user's device, in order. One that is 0, energy where nothing is said of it,
 * is given as 1, so that costs count in s or J; one that is infinite, since a device cannot run a task of its own, stays so.
 */
export function allLocalReference(problem: SchedulingProblem): CostReference {
  const plan: SchedulePlan = {
    host: Int32Array.from(problem.jobOf, (job) => problem.deviceOf[job]!),
    sequence: Int32Array.from(problem.jobOf.keys()),
  }
  const { latencyS, energyJ } = outcomeOf(problem, plan, timelineOf(problem, plan))
  return { latencyS: latencyS || 1, energyJ: energyJ || 1 }
}

/** Σ weight · outcome, latency and energy as shares of the reference. */
export function costOf(outcome: Outcome, weights: ScheduleWeights, reference: CostReference): number {
  const { latency = 0, energy = 0, imbalance = 0 } = weights
  let cost = 0
  if (latency > 0) cost += (latency * outcome.latencyS) / reference.latencyS
  if (energy > 0) cost += (energy * outcome.energyJ) / reference.energyJ
  if (imbalance > 0) cost += imbalance * outcome.imbalance
  return cost
}

/** Cost of a plan, timed and measured anew: what every scheduler is scored by. */
export function costOfPlan(
  problem: SchedulingProblem,
  plan: SchedulePlan,
  weights: ScheduleWeights,
  reference: CostReference,
  timeline?: Timeline,
): number {
  return costOf(outcomeOf(problem, plan, timelineOf(problem, plan, timeline)), weights, reference)
}
