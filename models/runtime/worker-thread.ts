// The thread of `openWorkerSession`: opens the model, then answers runs one after another.
import { parentPort, workerData } from 'node:worker_threads'
import { IsthmusError } from '@isthmus/proto'
import { openSession } from './node.ts'
import { RunGate } from './run-gate.ts'
import type { Session } from './session.ts'
import {
  buffersOf,
  type WorkerFailure,
  type WorkerModel,
  type WorkerReply,
  type WorkerRequest,
} from './worker-messages.ts'

if (!parentPort)
  throw new Error('worker-thread.js is the inside of openWorkerSession; it is not run by itself.')
const port = parentPort

const reply = (message: WorkerReply, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer)

const failureOf = (error: unknown): WorkerFailure => {
  const { code, message, retryable } =
    error instanceof IsthmusError ? error : new IsthmusError('RUN_FAILED', String(error))
  return { code, message, retryable }
}

const { model, options, gate: sharedGate } = workerData as WorkerModel
const gate = new RunGate(sharedGate)

async function answer(session: Session, request: WorkerRequest): Promise<void> {
  if (!gate.enter()) return
  try {
    if (request === 'dispose') {
      await session.dispose()
      port.close()
      return
    }
    const outputs = await session.run(request.feeds)
    reply({ outputs }, buffersOf(outputs))
  } catch (error) {
    reply({ failure: failureOf(error) })
  } finally {
    gate.leave()
  }
}

try {
  const session = await openSession(model, options)
  let last = Promise.resolve()
  port.on('message', (request: WorkerRequest) => {
    last = last.then(() => answer(session, request))
  })
  reply({ opened: { inputs: [...session.inputs], outputs: [...session.outputs] } })
} catch (error) {
  reply({ failure: failureOf(error) })
} finally {
  gate.leave()
}
