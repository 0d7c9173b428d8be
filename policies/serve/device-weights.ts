import type { Preference } from '../plan.ts'

/** What a device's preference weighs, in this order. */
export const DEVICE_OBJECTIVES = ['delay', 'energy', 'error'] as const

/**
 * Writes ω of {@link DEVICE_OBJECTIVES} with sum 1; without any weight above 0 they are even. A preference that is not sound (a
 * weight below 0, infinite or NaN) is written as NaN, which `SoundWeights` refuses.
 */
export function writeDeviceWeights(preference: Preference | undefined, weights: Float64Array): void {
  const { delay = 0, energy = 0, accuracy = 0 } = preference ?? {}
  if (!(isWeight(delay) && isWeight(energy) && isWeight(accuracy))) {
    weights.fill(NaN)
    return
  }
  const sum = delay + energy + accuracy
  weights[0] = sum > 0 ? delay / sum : 1 / 3
  weights[1] = sum > 0 ? energy / sum : 1 / 3
  weights[2] = sum > 0 ? accuracy / sum : 1 / 3
}

const isWeight = (value: unknown): boolean =>
  typeof value === 'number' && value >= 0 && value < Number.POSITIVE_INFINITY
