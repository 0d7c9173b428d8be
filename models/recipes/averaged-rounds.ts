import type { TrainingState } from '../autodiff/index.ts'
import { runTraining, type TrainingRun, triangle } from '../train/index.ts'
import type { PhaseOptions } from './recipe.ts'

export interface Round {
  readonly name: string
  readonly steps: number
  readonly peakRate: number
}

/**
 * Rounds of a training, each from where the one before has ended, and the mean of their ends (stochastic weight averaging, Izmailov et
 * al., arXiv 1803.05407), whose running averages are measured afresh in `statisticsSteps`. Batches are counted through, so that none
 * comes twice in the same way. A phase is told the rounds that it depends on: a training that gets another round goes on from the ones it has.
 */
export async function averagedRounds(
  training: Pick<TrainingRun, 'step' | 'optimizer' | 'itemsPerStep' | 'batch'>,
  phase: (name: string, rounds: readonly Round[]) => PhaseOptions & Pick<TrainingRun, 'replicas'>,
  rounds: readonly Round[],
  statisticsSteps: number,
): Promise<{ state: TrainingState; elapsedS: number }> {
  let seen = 0
  let elapsedS = 0
  const part = async (
    name: string,
    dependsOn: readonly Round[],
    run: Pick<TrainingRun, 'steps' | 'rate' | 'start'>,
  ) => {
    const first = seen
    const result = await runTraining({
      ...training,
      ...run,
      batch: (at) => training.batch(first + at),
      ...phase(name, dependsOn),
    })
    seen += run.steps
    elapsedS += result.elapsedS
    return result.state
  }
  const ends: TrainingState[] = []
  for (const [at, { name, steps, peakRate }] of rounds.entries()) {
    const run = { steps, rate: triangle(peakRate, steps), ...(at > 0 && { start: ends[at - 1]! }) }
    ends.push(await part(name, rounds.slice(0, at + 1), run))
  }
  // At rate 0 nothing changes but the running averages.
  const state = await part(`${rounds[0]!.name}-mean-of-${rounds.length}`, rounds, {
    steps: statisticsSteps,
    rate: () => 0,
    start: mean(ends),
  })
  return { state, elapsedS }
}

/** The middle of states of one training. */
function mean(states: readonly TrainingState[]): TrainingState {
  return Object.fromEntries(
    Object.entries(states[0]!).map(([name, values]) => [
      name,
      values.map((_, at) => states.reduce((sum, state) => sum + state[name]![at]!, 0) / states.length),
    ]),
  )
}
