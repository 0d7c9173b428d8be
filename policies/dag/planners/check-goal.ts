import { optionChecks } from '../../option-checks.ts'
import type { PlanningGoal } from './planner.ts'

const { within, bad } = optionChecks('planning goal')

/**
 * Weights are finite and not negative; what counts is measured by something finite above 0, else no two plans could be compared.
 *
 * @throws IsthmusError `BAD_OPTION` naming the weight or the part of the reference
 */
export function checkGoal({ weights, reference }: PlanningGoal): void {
  for (const name of ['latency', 'energy', 'imbalance'] as const) {
    if (weights[name] !== undefined) within(`weights.${name}`, weights[name], 0, Number.MAX_VALUE)
  }
  for (const [weight, part] of [
    ['latency', 'latencyS'],
    ['energy', 'energyJ'],
  ] as const) {
    const value = reference[part]
    if (!weights[weight] || (value > 0 && value < Infinity)) continue
    throw bad(`reference.${part} is ${value}; it must be finite and above 0, since ${weight} counts`)
  }
}
