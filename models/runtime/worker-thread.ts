// The thread of `SessionThread`: opens models and answers their runs, one request after another.
import { parentPort, workerData } from 'node:worker_threads'
import { IsthmusError } from '@isthmus/proto'
import { openSession } from './node.ts'
import { RunGate } from './run-gate.ts'
import type { Session } from './session.ts'
import {
  buffersOf,
  inSpare,
  type WorkerFailure,
  type WorkerReply,
  type WorkerRequest,
  type WorkerStart,
} from './worker-messages.ts'

if (!parentPort) throw new Error('worker-thread.js is the inside of SessionThread; it is not run by itself.')
const port = parentPort

const failureOf = (error: unknown): WorkerFailure => {
  const { code, message, retryable } =
    error instanceof IsthmusError ? error : new IsthmusError('RUN_FAILED', String(error))
  return { code, message, retryable }
}

const gate = new RunGate((workerData as WorkerStart).gate)
const sessions = new Map<number, Session>()

async function answerTo(request: WorkerRequest): Promise<{ reply: WorkerReply; transfer?: ArrayBuffer[] }> {
  if (!('session' in request)) return { reply: { disposed: true } }
  const { session: number } = request
  if ('open' in request) {
    const { model, options } = request.open
    const session = await openSession(model, options)
    sessions.set(number, session)
    return { reply: { opened: { inputs: [...session.inputs], outputs: [...session.outputs] } } }
  }
  const session = sessions.get(number)
  if ('dispose' in request) {
    sessions.delete(number)
    await session?.dispose()
    return { reply: { disposed: true } }
  }
  const outputs = inSpare(await session!.run(request.feeds), request.spare ?? [])
  return { reply: { outputs }, transfer: buffersOf(outputs) }
}

async function answer(request: WorkerRequest): Promise<void> {
  if (!gate.enter()) return
  try {
    const { reply, transfer } = await answerTo(request)
    if ('end' in request) port.close()
    else port.postMessage(reply, transfer)
  } catch (error) {
    port.postMessage({ failure: failureOf(error) } satisfies WorkerReply)
  } finally {
    gate.leave()
  }
}

let last = Promise.resolve()
port.on('message', (request: WorkerRequest) => {
  last = last.then(() => answer(request))
})
// Entered by its owner until everything native is loaded.
gate.leave()
