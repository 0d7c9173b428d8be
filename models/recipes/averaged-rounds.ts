import type { TrainingState } from '../autodiff/index.ts'
import { type Schedule, triangle } from '../train/index.ts'

/** One part of a training, whose steps are counted from `first` on: so no batch comes twice in the same way. */
export interface Round {
  readonly name: string
  readonly first: number
  readonly steps: number
  readonly rate: Schedule
  /** Default: freshly drawn weights. */
  readonly start?: TrainingState
}

interface Trained {
  readonly state: TrainingState
  readonly elapsedS: number
}

/**
 * Two rounds of training, the second from where the first has ended, and the mean of both ends (stochastic weight averaging, Izmailov et
 * al., arXiv 1803.05407), whose running averages are measured afresh in `statisticsSteps`.
 */
export async function averagedRounds(
  train: (round: Round) => Promise<Trained>,
  [one, two]: readonly [
    { readonly name: string; readonly steps: number; readonly peakRate: number },
    { readonly name: string; readonly steps: number; readonly peakRate: number },
  ],
  statisticsSteps: number,
): Promise<Trained> {
  const first = await train({ ...one, first: 0, rate: triangle(one.peakRate, one.steps) })
  const second = await train({
    ...two,
    first: one.steps,
    rate: triangle(two.peakRate, two.steps),
    start: first.state,
  })
  // At rate 0 nothing changes but the running averages.
  const last = await train({
    name: 'averaging',
    first: one.steps + two.steps,
    steps: statisticsSteps,
    rate: () => 0,
    start: mean(first.state, second.state),
  })
  return { state: last.state, elapsedS: first.elapsedS + second.elapsedS + last.elapsedS }
}

/** Halfway between two states of one training. */
function mean(one: TrainingState, other: TrainingState): TrainingState {
  return Object.fromEntries(
    Object.entries(one).map(([name, values]) => [
      name,
      values.map((value, at) => (value + other[name]![at]!) / 2),
    ]),
  )
}
