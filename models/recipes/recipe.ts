import { join } from 'node:path'
import type { ConstantTensor } from '../onnx/index.ts'
import type { TrainingProgress } from '../train/index.ts'

/** What every recipe is given. */
export interface RecipeContext {
  readonly threads: number
  readonly spinning: boolean
  readonly onProgress: (progress: TrainingProgress) => void
  readonly signal: AbortSignal
  /** Where a phase keeps its checkpoint, and what names it: its settings. */
  checkpoint(phase: string, settings: object): { file: string; identity: string; everySteps: number }
}

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

export function recipeContext(
  input: RecipeInput,
  thread: Pick<RecipeContext, 'onProgress' | 'signal'>,
): RecipeContext {
  return {
    threads: input.threads,
    spinning: input.spinning,
    onProgress: thread.onProgress,
    signal: thread.signal,
    checkpoint: (phase, settings) => ({
      file: join(input.workFolder, `${phase}.checkpoint`),
      identity: JSON.stringify(settings),
      everySteps: CHECKPOINT_EVERY_STEPS,
    }),
  }
}
