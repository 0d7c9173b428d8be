import { runTraining } from '@isthmus/models/train'
import type { Job } from './jobs.ts'

/**
 * Trains for `warmUp + steps` steps through the very loop that recipes use and returns how long each of the last `steps`
 * took, in ms: from one request for a batch to the next, so with feeding, fetching, the state in and out.
 */
export async function timedSteps(
  job: Job,
  threads: number,
  steps: number,
  warmUp: number,
): Promise<number[]> {
  const asked: number[] = []
  await runTraining({
    ...loopOf(job, threads),
    // One more, whose request for a batch ends the last step that counts.
    steps: warmUp + steps + 1,
    batch: (step) => {
      asked.push(performance.now())
      return job.batches[step % job.batches.length]!
    },
  })
  return Array.from({ length: steps }, (_, at) => asked[warmUp + at + 1]! - asked[warmUp + at]!)
}

/** Mean loss over the first `steps` steps. */
export async function meanLoss(job: Job, threads: number, steps: number): Promise<number> {
  let total = 0
  let reported = 0
  await runTraining({
    ...loopOf(job, threads),
    steps,
    batch: (step) => job.batches[step % job.batches.length]!,
    // Each report is the mean since the last one.
    onProgress: ({ loss, step }) => {
      total += loss * (step - reported)
      reported = step
    },
  })
  return total / steps
}

const loopOf = (job: Job, threads: number) => ({
  step: job.step,
  optimizer: job.optimizer,
  itemsPerStep: job.itemsPerStep,
  rate: () => job.rate,
  threads,
  // PyTorch's waiting threads spin as well.
  spinning: true,
})
