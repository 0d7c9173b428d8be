import { parentPort, workerData } from 'node:worker_threads'
import { IsthmusError } from '@isthmus/proto'
import { type CollectorJob, doCollectorJob } from './collector-jobs.ts'
import { type ProblemSpec, problemOf } from './problems/index.ts'

/** A collector's thread: does the jobs that it is sent, one after the other. */
const problem = problemOf(workerData as ProblemSpec)

parentPort!.on('message', async (job: CollectorJob) => {
  try {
    const result = await doCollectorJob(problem, job)
    const buffers = Object.values(result).flatMap((part) => (ArrayBuffer.isView(part) ? [part.buffer] : []))
    parentPort!.postMessage({ result }, buffers as ArrayBuffer[])
  } catch (error) {
    const code = error instanceof IsthmusError ? error.code : 'COLLECTOR_FAILED'
    parentPort!.postMessage({ failure: { code, message: (error as Error).message } })
  }
})
