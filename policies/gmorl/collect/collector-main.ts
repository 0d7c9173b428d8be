import { parentPort, workerData } from 'node:worker_threads'
import { IsthmusError } from '@isthmus/proto'
import { type ProblemSpec, problemOf } from '../problems/index.ts'
import { type CollectorJob, doCollectorJob } from './collector-jobs.ts'

/** A collector's thread: does the jobs that it is sent, one after the other. */
const problem = problemOf(workerData as ProblemSpec)

const stopping = new AbortController()
let working: Promise<void> = Promise.resolve()

parentPort!.on('message', (message: CollectorJob | 'stop') => {
  if (message !== 'stop') {
    working = work(message)
    return
  }
  stopping.abort()
  void working.then(() => parentPort!.close())
})

async function work(job: CollectorJob): Promise<void> {
  try {
    const result = await doCollectorJob(problem, job, stopping.signal)
    const buffers = Object.values(result).flatMap((part) => (ArrayBuffer.isView(part) ? [part.buffer] : []))
    parentPort!.postMessage({ result }, buffers as ArrayBuffer[])
  } catch (error) {
    const code = error instanceof IsthmusError ? error.code : 'COLLECTOR_FAILED'
    parentPort!.postMessage({ failure: { code, message: (error as Error).message } })
  }
}
