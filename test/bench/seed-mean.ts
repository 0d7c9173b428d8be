/** A mean over seeds and how far it can be trusted. */
export interface SeedMean {
  readonly mean: number
  /** 95 % by Student's t over the seeds; absent for one seed. */
  readonly interval95?: readonly [number, number]
}

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

/** 97.5 % quantiles of Student's t for 1, 2, 3, ... degrees of freedom. */
const T = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262]

/** Mean with its interval. */
export function seedMean(values: readonly number[]): SeedMean {
  const centre = mean(values)
  const count = values.length
  if (count < 2) return { mean: centre }
  const variance = values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (count - 1)
  const half = (T[count - 2] ?? 1.96) * Math.sqrt(variance / count)
  return { mean: centre, interval95: [centre - half, centre + half] }
}
