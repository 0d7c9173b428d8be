import { edgeError } from '../errors.ts'

/** How much each term of the utility counts. Any non-negative numbers, not all 0; only their ratio matters. */
export interface Weights {
  readonly cost: number
  readonly qos: number
  readonly energy: number
  readonly fair: number
}

/** The weights that MOHAF's text names (section 5). */
export const defaultWeights: Weights = { cost: 0.4, qos: 0.3, energy: 0.1, fair: 0.2 }

/** The same weights with a sum of 1. Throws `BAD_MARKET` for a negative, infinite or missing one and for no weight at all. */
export function normalisedWeights({ cost, qos, energy, fair }: Weights): Weights {
  const all = [cost, qos, energy, fair]
  if (!all.every((weight) => weight >= 0 && weight <= 1e12)) {
    throw edgeError('BAD_MARKET', `Weights are numbers from 0 on, not ${all.join(', ')}`)
  }
  const sum = cost + qos + energy + fair
  if (!(sum > 0)) throw edgeError('BAD_MARKET', 'At least one weight is more than 0')
  return { cost: cost / sum, qos: qos / sum, energy: energy / sum, fair: fair / sum }
}
