import { parentPort, workerData } from 'node:worker_threads'
import { IsthmusError } from '@isthmus/proto'
import type { TrainingProgress } from './progress.ts'
import type { ThreadMessage, ThreadTask } from './thread.ts'

// The entry of a training thread: runs one task and reports what becomes of it.
const { module, input } = workerData as { module: string; input: unknown }
const port = parentPort!
const send = (message: ThreadMessage) => port.postMessage(message)
const controller = new AbortController()
port.on('message', () => controller.abort())

try {
  const { default: task } = (await import(module)) as { default: ThreadTask<unknown, unknown> }
  const onProgress = (progress: TrainingProgress) => send({ kind: 'progress', progress })
  send({ kind: 'done', output: await task(input, { onProgress, signal: controller.signal }) })
} catch (error) {
  const known = error instanceof IsthmusError ? error : undefined
  const message = error instanceof Error ? error.message : String(error)
  send({
    kind: 'failed',
    code: known?.code ?? 'TRAINING_FAILED',
    message,
    retryable: known?.retryable ?? false,
  })
} finally {
  port.close()
}
