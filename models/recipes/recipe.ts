import { join } from 'node:path'
import type { ConstantTensor } from '../onnx/index.ts'
import type { TrainingRun } from '../train/index.ts'

/** What every recipe is given. */
export interface RecipeContext {
  /**
   * How a phase runs: threads, progress, the signal to stop, and a checkpoint under `name` that belongs to these
   * `settings` only. `title` is what the progress shows.
   */
  phase(name: string, settings: object, title?: string): PhaseOptions
}

/** What a phase adds to a training: where it runs, what it tells, where it is kept. */
export type PhaseOptions = Required<
  Pick<TrainingRun, 'threads' | 'spinning' | 'checkpoint' | 'phase' | 'onProgress' | 'signal'>
>

/** What a training phase makes. */
export interface Trained {
  readonly weights: Map<string, ConstantTensor>
  /** Interruptions not counted. */
  readonly elapsedS: number
}

/** Plain data that the command line hands to a recipe's thread. */
export interface RecipeInput {
  readonly workFolder: string
  readonly bundlesFolder: string
  readonly threads: number
  readonly spinning: boolean
}

const CHECKPOINT_EVERY_STEPS = 100

/** `from`: the hashes of the networks that the recipe starts from; its checkpoints belong to these only. */
export function recipeContext(
  input: RecipeInput,
  thread: Pick<PhaseOptions, 'onProgress' | 'signal'>,
  from?: readonly string[],
): RecipeContext {
  return {
    phase: (name, settings, title = name) => ({
      threads: input.threads,
      spinning: input.spinning,
      phase: title,
      onProgress: thread.onProgress,
      signal: thread.signal,
      checkpoint: {
        file: join(input.workFolder, `${name}.checkpoint`),
        identity: JSON.stringify({ ...settings, from }),
        everySteps: CHECKPOINT_EVERY_STEPS,
      },
    }),
  }
}
