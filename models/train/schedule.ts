/** Learning rate by step, counted from 0. */
export type Schedule = (step: number) => number

/** Rises linearly from a fifth of `peak` during `warmUp` (a share of all steps), then falls linearly to 0. */
export function triangle(peak: number, steps: number, warmUp = 0.2): Schedule {
  const top = Math.max(1, warmUp * steps)
  return (step) =>
    step < top ? peak * (0.2 + (0.8 * step) / top) : (peak * (steps - step)) / Math.max(1, steps - top)
}

/** `start`, times `factor` from each milestone on. Milestones are steps. */
export function milestones(start: number, at: readonly number[], factor = 0.1): Schedule {
  return (step) => start * factor ** at.filter((milestone) => step >= milestone).length
}

/** Falls from `peak` to 0 along half a cosine, after a linear warm-up over a share of all steps. */
export function cosine(peak: number, steps: number, warmUp = 0): Schedule {
  const top = warmUp * steps
  return (step) =>
    step < top
      ? (peak * (step + 1)) / (top + 1)
      : (peak / 2) * (1 + Math.cos((Math.PI * (step - top)) / Math.max(1, steps - top)))
}
