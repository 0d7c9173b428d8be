import { Worker } from 'node:worker_threads'
import { IsthmusError } from '@isthmus/proto'
import { modelError } from '../errors.ts'
import type { TrainingProgress } from './progress.ts'

/** What a module that runs in a training thread exports as default. */
export type ThreadTask<Input, Output> = (
  input: Input,
  context: { onProgress(progress: TrainingProgress): void; signal: AbortSignal },
) => Promise<Output>

export type ThreadMessage =
  | { kind: 'progress'; progress: TrainingProgress }
  | { kind: 'done'; output: unknown }
  | { kind: 'failed'; code: string; message: string; retryable: boolean }

/**
 * Runs the default export of `module` (a `ThreadTask`) in a worker thread, so that training never blocks this one.
 * Input and output are structured clones. Aborting `signal` lets the task end by itself, checkpoint included.
 * Rejects with the task's own error, or WORKER_DIED.
 */
export function runInThread<Output>(
  module: URL,
  input: unknown,
  options: { onProgress?: (progress: TrainingProgress) => void; signal?: AbortSignal } = {},
): Promise<Output> {
  const worker = new Worker(new URL('./thread-main.js', import.meta.url), {
    workerData: { module: module.href, input },
  })
  const abort = () => worker.postMessage('abort')
  options.signal?.addEventListener('abort', abort)
  if (options.signal?.aborted) abort()
  return new Promise<Output>((resolve, reject) => {
    worker.on('message', (message: ThreadMessage) => {
      if (message.kind === 'progress') options.onProgress?.(message.progress)
      else if (message.kind === 'done') resolve(message.output as Output)
      else reject(new IsthmusError(message.code, message.message, { retryable: message.retryable }))
    })
    worker.on('error', (error) => reject(modelError('WORKER_DIED', 'The training thread failed.', error)))
    worker.on('exit', () => reject(modelError('WORKER_DIED', 'The training thread ended without a result.')))
  }).finally(() => {
    options.signal?.removeEventListener('abort', abort)
    return worker.terminate()
  })
}
