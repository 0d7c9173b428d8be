import type { AffineVectors } from './norm-gradient.ts'

/** Plain data that an optimiser carries from step to step. */
export interface OptimizerState {
  readonly moments: readonly AffineVectors[]
  steps: number
}

/** Moves scales and shifts in place. They are few thousand numbers, so no graph is needed. */
export interface NormOptimizer {
  readonly state: OptimizerState
  step(parameters: AffineVectors, gradient: AffineVectors): void
  reset(): void
}

export type NormOptimizerSettings =
  | { readonly kind: 'sgd'; readonly rate: number; readonly momentum: number }
  | { readonly kind: 'adam'; readonly rate: number; readonly beta1?: number; readonly beta2?: number }

const kinds = ['scale', 'shift'] as const

const zeros = (channels: number): AffineVectors => ({
  scale: new Float32Array(channels),
  shift: new Float32Array(channels),
})

/** An optimiser for `channels` scales and shifts; `state` goes on where another one was. */
export function normOptimizer(
  settings: NormOptimizerSettings,
  channels: number,
  state: OptimizerState = {
    moments: settings.kind === 'sgd' ? [zeros(channels)] : [zeros(channels), zeros(channels)],
    steps: 0,
  },
): NormOptimizer {
  return {
    state,
    step(parameters, gradient) {
      state.steps++
      if (settings.kind === 'sgd') sgdStep(settings, state, parameters, gradient)
      else adamStep(settings, state, parameters, gradient)
    },
    reset() {
      state.steps = 0
      for (const moment of state.moments) for (const kind of kinds) moment[kind].fill(0)
    },
  }
}

function sgdStep(
  { rate, momentum }: { rate: number; momentum: number },
  { moments }: OptimizerState,
  parameters: AffineVectors,
  gradient: AffineVectors,
): void {
  for (const kind of kinds) {
    const [values, slope, velocity] = [parameters[kind], gradient[kind], moments[0]![kind]]
    for (let at = 0; at < values.length; at++) {
      velocity[at] = momentum * velocity[at]! + slope[at]!
      values[at]! -= rate * velocity[at]!
    }
  }
}

/** Kingma and Ba 2015, without weight decay. */
function adamStep(
  { rate, beta1 = 0.9, beta2 = 0.999 }: { rate: number; beta1?: number; beta2?: number },
  { moments, steps }: OptimizerState,
  parameters: AffineVectors,
  gradient: AffineVectors,
): void {
  const [unbias1, unbias2] = [1 - beta1 ** steps, 1 - beta2 ** steps]
  for (const kind of kinds) {
    const [values, slope] = [parameters[kind], gradient[kind]]
    const [first, second] = [moments[0]![kind], moments[1]![kind]]
    for (let at = 0; at < values.length; at++) {
      first[at] = beta1 * first[at]! + (1 - beta1) * slope[at]!
      second[at] = beta2 * second[at]! + (1 - beta2) * slope[at]! ** 2
      values[at]! -= (rate * (first[at]! / unbias1)) / (Math.sqrt(second[at]! / unbias2) + 1e-8)
    }
  }
}
