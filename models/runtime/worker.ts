import { Worker } from 'node:worker_threads'
import { IsthmusError } from '@isthmus/proto'
import { modelError } from '../errors.ts'
import { checkFeeds } from './feeds.ts'
import { RunGate } from './run-gate.ts'
import type { Session, SessionOptions, Tensor, TensorSpec } from './session.ts'
import {
  buffersOf,
  ownCopies,
  type WorkerModel,
  type WorkerReply,
  type WorkerRequest,
} from './worker-messages.ts'

interface Waiting {
  resolve(reply: WorkerReply): void
  reject(error: IsthmusError): void
}

/**
 * The conversation with one worker thread: each request waits in a queue, each reply answers the oldest. The thread
 * keeps the process alive only while something waits for it. When the thread ends, whatever waits is rejected.
 */
class Conversation {
  readonly #ended: Promise<void>
  readonly #worker: Worker
  readonly #waiting: Waiting[] = []
  #death: IsthmusError | undefined
  #closing = false

  constructor(worker: Worker) {
    this.#worker = worker
    let end: () => void
    this.#ended = new Promise((resolve) => {
      end = resolve
    })
    worker.on('message', (reply: WorkerReply) => {
      this.#waiting.shift()?.resolve(reply)
      if (this.#waiting.length === 0 && !this.#closing) worker.unref()
    })
    worker.on('error', (cause) =>
      this.#die(`failed: ${cause instanceof Error ? cause.message : cause}.`, cause),
    )
    worker.on('exit', (code) => {
      this.#die(`has ended with exit code ${code}.`)
      end()
    })
  }

  /** Waits for the next reply; `send` hands the thread what it replies to. */
  ask(send: () => void): Promise<WorkerReply> {
    if (this.#death) return Promise.reject(this.#death)
    return new Promise((resolve, reject) => {
      send()
      this.#waiting.push({ resolve, reject })
      this.#worker.ref()
    })
  }

  /** Tells the thread to end after the requests before this one, and waits until it has. */
  close(send: () => void): Promise<void> {
    this.#closing = true
    this.#worker.ref()
    send()
    return this.#ended
  }

  #die(detail: string, cause?: unknown): void {
    this.#death ??= modelError('WORKER_DIED', `The worker thread of this session ${detail}`, cause)
    for (const { reject } of this.#waiting.splice(0)) reject(this.#death)
  }
}

class WorkerSession implements Session {
  readonly inputs: readonly TensorSpec[]
  readonly outputs: readonly TensorSpec[]
  readonly #worker: Worker
  readonly #conversation: Conversation
  #disposed: Promise<void> | undefined

  constructor(
    worker: Worker,
    conversation: Conversation,
    specs: { readonly inputs: TensorSpec[]; readonly outputs: TensorSpec[] },
  ) {
    this.#worker = worker
    this.#conversation = conversation
    this.inputs = specs.inputs
    this.outputs = specs.outputs
  }

  async run(feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
    if (this.#disposed) throw modelError('SESSION_CLOSED', 'This session has been disposed of.')
    checkFeeds(this.inputs, feeds)
    const reply = await this.#conversation.ask(() => {
      const copies = ownCopies(feeds)
      this.#worker.postMessage({ feeds: copies } satisfies WorkerRequest, buffersOf(copies))
    })
    if ('failure' in reply) throw errorOf(reply)
    return (reply as { outputs: Record<string, Tensor> }).outputs
  }

  dispose(): Promise<void> {
    this.#disposed ??= this.#conversation.close(() =>
      this.#worker.postMessage('dispose' satisfies WorkerRequest),
    )
    return this.#disposed
  }
}

const errorOf = ({ failure }: Extract<WorkerReply, { failure: unknown }>): IsthmusError =>
  new IsthmusError(failure.code, failure.message, { retryable: failure.retryable })

/** The session of a thread that speaks as `worker-thread.js` does. Throws what kept the model from opening. */
export async function sessionOf(worker: Worker): Promise<Session> {
  const conversation = new Conversation(worker)
  const reply = await conversation.ask(() => {})
  if ('opened' in reply) return new WorkerSession(worker, conversation, reply.opened)
  throw 'failure' in reply ? errorOf(reply) : modelError('WORKER_DIED', 'The worker thread gave no model.')
}

const openGates = new Set<RunGate>()

/** A program that leaves by `process.exit` waits for the run in progress; a longer one than this is abandoned. */
const exitPatienceMs = 10_000

const shutGates = () => {
  for (const gate of openGates) gate.shut(exitPatienceMs)
}

function watch(worker: Worker, gate: RunGate): void {
  if (openGates.size === 0) process.on('exit', shutGates)
  openGates.add(gate)
  worker.on('exit', () => {
    openGates.delete(gate)
    if (openGates.size === 0) process.off('exit', shutGates)
  })
}

/**
 * Loads a model into a worker thread of its own, so that this thread never waits for an inference. Feeds are copied
 * once (they stay the caller's), outputs are handed over without a copy. Runs are queued and answered first in, first
 * out. An idle session does not keep the process alive; `process.exit` waits for a run that has begun.
 *
 * If the thread ends before its time, all runs that wait and all later ones reject with `WORKER_DIED` (retryable with
 * a new session). A crash of native code ends the whole process: only a process of its own protects from that.
 * Throws `MODEL_UNREADABLE`, `BAD_OPTION` or `WORKER_DIED`.
 */
export function openWorkerSession(
  model: Uint8Array | string,
  options: SessionOptions = {},
): Promise<Session> {
  const bytes = typeof model === 'string' ? model : Uint8Array.prototype.slice.call(model)
  const gate = new RunGate()
  const worker = new Worker(new URL('./worker-thread.js', import.meta.url), {
    name: 'isthmus-session',
    workerData: { model: bytes, options, gate: gate.memory } satisfies WorkerModel,
    transferList: typeof bytes === 'string' ? [] : [bytes.buffer as ArrayBuffer],
    // Flags of the main program, such as --input-type or -e, stop a worker from starting.
    execArgv: [],
  })
  watch(worker, gate)
  return sessionOf(worker)
}
