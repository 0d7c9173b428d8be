import type { Optimizer, TrainingState, TrainingStep } from '../autodiff/index.ts'
import { modelError } from '../errors.ts'
import type { Tensor } from '../runtime/index.ts'
import { loadCheckpoint, saveCheckpoint } from './checkpoint.ts'
import type { TrainingProgress } from './progress.ts'
import type { Schedule } from './schedule.ts'
import { StepRunner } from './step-runner.ts'

export interface TrainingRun {
  readonly step: TrainingStep
  readonly optimizer: Optimizer
  readonly steps: number
  /** Images (or other items) per step, for the speed shown. */
  readonly itemsPerStep: number
  readonly rate: Schedule
  /** Data of a step, counted from 0; the same step gets the same data, whenever it runs. */
  readonly batch: (step: number) => Readonly<Record<string, Tensor>>
  /** Where to start instead of the step's own initial state. */
  readonly start?: TrainingState
  readonly checkpoint?: { readonly file: string; readonly identity: string; readonly everySteps: number }
  /** Threads of an operator. Default 2. The same number gives the same result. */
  readonly threads?: number
  /**
   * Let threads that wait for work spin. Faster on cores that nobody else uses, much slower on shared ones.
   * Default false.
   */
  readonly spinning?: boolean
  /**
   * Copies of the step that share each batch, with `threads` of their own: `step` is compiled for the rows of one. Two of one thread were
   * 1.5 times as fast as one of two (measured once, inverted residual blocks, batch 128). Default 1.
   */
  readonly replicas?: number
  readonly phase?: string
  readonly onProgress?: (progress: TrainingProgress) => void
  /** Stops after the step in progress; a checkpoint is written first. */
  readonly signal?: AbortSignal
}

export interface TrainingResult {
  /** After the last step. */
  readonly state: TrainingState
  /** Time that all steps took, those before an interruption included. */
  readonly elapsedS: number
}

/**
 * Runs a training step over and over. Blocks its thread while a step computes: use `runInThread` beside other work.
 * With a checkpoint file, a run that was stopped goes on where it was
 * and ends in the same state as one that was not.
 * Throws TRAINING_DIVERGED when the loss stops being a number, TRAINING_STOPPED when aborted, and CHECKPOINT_UNREADABLE or
 * CHECKPOINT_UNWRITABLE naming the file.
 */
export async function runTraining(run: TrainingRun): Promise<TrainingResult> {
  const { step: graph, steps, checkpoint, phase = 'training' } = run
  const saved = checkpoint && (await loadCheckpoint(checkpoint.file, checkpoint.identity))
  let state = saved?.state ?? run.start ?? graph.initialState()
  const first = saved?.step ?? 0
  const before = saved?.elapsedS ?? 0
  if (first >= steps) return { state, elapsedS: before }
  const startedMs = performance.now()
  const elapsedS = () => before + (performance.now() - startedMs) / 1000
  const save = async (step: number) => {
    if (!checkpoint) return
    const { file, identity } = checkpoint
    await saveCheckpoint(file, { step, identity, state, elapsedS: elapsedS() })
  }
  // A folder that cannot be written is found out now, not after an hour.
  if (!saved) await save(0)
  const runner = await StepRunner.open(graph, {
    optimizer: run.optimizer,
    start: state,
    stepsDone: first,
    threads: run.threads ?? 2,
    spinning: run.spinning ?? false,
    replicas: run.replicas ?? 1,
  })
  try {
    const meter = speedometer(first)
    for (let step = first; step < steps; step++) {
      const result = await runner.run(run.batch(step), run.rate(step))
      state = runner.state
      const loss = result[graph.loss]!.data[0] as number
      meter.add(loss)
      const done = step + 1
      if (meter.due() || done === steps) {
        run.onProgress?.({ phase, step: done, steps, ...meter.read(done, steps, run.itemsPerStep) })
        // Lets messages (an abort, for one) in between two blocking steps.
        await new Promise<void>((resolve) => setImmediate(resolve))
      }
      if (run.signal?.aborted && done < steps) {
        await save(done)
        throw modelError('TRAINING_STOPPED', `Stopped after step ${done} of ${steps}.`)
      }
      if (checkpoint && (done % checkpoint.everySteps === 0 || done === steps)) await save(done)
    }
    return { state, elapsedS: elapsedS() }
  } finally {
    await runner.dispose()
  }
}

const REPORT_EVERY_MS = 1000

function speedometer(firstStep: number) {
  const startedMs = performance.now()
  let reportedMs = startedMs
  let total = 0
  let count = 0
  return {
    add(loss: number) {
      total += loss
      count++
    },
    due: () => performance.now() - reportedMs >= REPORT_EVERY_MS,
    read(done: number, steps: number, itemsPerStep: number) {
      reportedMs = performance.now()
      const secondsPerStep = (reportedMs - startedMs) / 1000 / (done - firstStep)
      const reading = {
        loss: total / count,
        itemsPerSecond: itemsPerStep / secondsPerStep,
        secondsLeft: (steps - done) * secondsPerStep,
      }
      total = 0
      count = 0
      return reading
    },
  }
}
