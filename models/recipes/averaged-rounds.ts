import type { TrainingState } from '../autodiff/index.ts'
import { runTraining, type TrainingRun, triangle } from '../train/index.ts'
import type { PhaseOptions } from './recipe.ts'

interface Round {
  readonly name: string
  readonly steps: number
  readonly peakRate: number
}

/**
 * Two rounds of a training, the second from where the first has ended, and the mean of both ends (stochastic weight averaging, Izmailov et
 * al., arXiv 1803.05407), whose running averages are measured afresh in `statisticsSteps`. Batches are counted through, so that none
 * comes twice in the same way.
 */
export async function averagedRounds(
  training: Pick<TrainingRun, 'step' | 'optimizer' | 'itemsPerStep' | 'batch'>,
  phase: (name: string) => PhaseOptions,
  [one, two]: readonly [Round, Round],
  statisticsSteps: number,
): Promise<{ state: TrainingState; elapsedS: number }> {
  const part = (first: number, name: string, run: Pick<TrainingRun, 'steps' | 'rate' | 'start'>) =>
    runTraining({ ...training, ...run, batch: (at) => training.batch(first + at), ...phase(name) })
  const first = await part(0, one.name, { steps: one.steps, rate: triangle(one.peakRate, one.steps) })
  const second = await part(one.steps, two.name, {
    steps: two.steps,
    rate: triangle(two.peakRate, two.steps),
    start: first.state,
  })
  // At rate 0 nothing changes but the running averages.
  const last = await part(one.steps + two.steps, 'averaging', {
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
