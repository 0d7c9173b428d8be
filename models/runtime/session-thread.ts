import { Worker } from 'node:worker_threads'
import { IsthmusError } from '@isthmus/proto'
import { modelError } from '../errors.ts'
import { Conversation } from './conversation.ts'
import { checkFeeds } from './feeds.ts'
import { RunGate } from './run-gate.ts'
import type { Session, SessionOptions, Tensor, TensorSpec } from './session.ts'
import {
  buffersOf,
  ownCopies,
  type WorkerReply,
  type WorkerRequest,
  type WorkerStart,
} from './worker-messages.ts'

/** A thread that runs, and the sessions in it. */
class Crew {
  readonly #worker: Worker
  readonly #conversation: Conversation
  readonly #stays: () => boolean
  #members = 0
  #named = 0

  /** `stays` says whether the thread goes on when it has no session. */
  constructor(worker: Worker, stays: () => boolean) {
    this.#worker = worker
    this.#stays = stays
    this.#conversation = new Conversation(worker)
  }

  get isOver(): boolean {
    return this.#conversation.isOver
  }

  async open(model: Uint8Array | string, options: SessionOptions): Promise<Session> {
    const session = this.#named++
    this.#members++
    const reply = await this.ask(
      { session, open: { model, options } },
      typeof model === 'string' ? [] : [model.buffer as ArrayBuffer],
    ).catch((error) => {
      this.#members--
      throw error
    })
    if ('opened' in reply) return new WorkerSession(this, session, reply.opened)
    await this.leave()
    throw 'failure' in reply ? errorOf(reply) : modelError('WORKER_DIED', 'The worker thread gave no model.')
  }

  ask(request: WorkerRequest, transfer: ArrayBuffer[] = []): Promise<WorkerReply> {
    return this.#conversation.ask(() => this.#worker.postMessage(request, transfer))
  }

  /**
   * One session fewer: the last one ends a thread that does not stay, and waits until it has. `session` is what has to be disposed of, if it
   * was opened.
   */
  async leave(session?: number): Promise<void> {
    this.#members--
    if (this.#members === 0 && !this.#stays()) {
      const end: WorkerRequest = session === undefined ? { end: true } : { session, dispose: true, end: true }
      await this.#conversation.close(() => this.#worker.postMessage(end))
    } else if (session !== undefined) {
      // What has died needs no farewell.
      await this.ask({ session, dispose: true }).catch(() => {})
    }
  }

  /** Ends the thread now if it has no session, and waits until it has ended, also where that has begun. */
  async endIfIdle(): Promise<void> {
    if (this.#members > 0) return
    if (this.isOver) await this.#conversation.ended
    else await this.#conversation.close(() => this.#worker.postMessage({ end: true } satisfies WorkerRequest))
  }
}

class WorkerSession implements Session {
  readonly inputs: readonly TensorSpec[]
  readonly outputs: readonly TensorSpec[]
  readonly #crew: Crew
  readonly #session: number
  #disposed: Promise<void> | undefined

  constructor(
    crew: Crew,
    session: number,
    specs: { readonly inputs: TensorSpec[]; readonly outputs: TensorSpec[] },
  ) {
    this.#crew = crew
    this.#session = session
    this.inputs = specs.inputs
    this.outputs = specs.outputs
  }

  async run(
    feeds: Readonly<Record<string, Tensor>>,
    spare: readonly ArrayBuffer[] = [],
  ): Promise<Record<string, Tensor>> {
    if (this.#disposed) throw modelError('SESSION_CLOSED', 'This session has been disposed of.')
    checkFeeds(this.inputs, feeds)
    const copies = ownCopies(feeds)
    const reply = await this.#crew.ask({ session: this.#session, feeds: copies, spare }, [
      ...buffersOf(copies),
      ...spare,
    ])
    if ('failure' in reply) throw errorOf(reply)
    return (reply as { outputs: Record<string, Tensor> }).outputs
  }

  dispose(): Promise<void> {
    this.#disposed ??= this.#crew.leave(this.#session)
    return this.#disposed
  }
}

const errorOf = ({ failure }: Extract<WorkerReply, { failure: unknown }>): IsthmusError =>
  new IsthmusError(failure.code, failure.message, { retryable: failure.retryable })

/**
 * A worker thread that several sessions share: their runs are answered one after another, and each further model costs its
 * own memory only, not another thread's. The thread begins with the first model, ends with the last session, and begins
 * again for the next model, also when it has died. A thread that has just begun is slow for some dozen runs, so that whoever
 * replaces models may {@link keep} it. {@link openWorkerSession} says what else holds.
 */
export class SessionThread {
  readonly #spawn: () => Worker
  #crew: Crew | undefined
  #isKept = false

  /** `spawn` starts a thread that speaks as `worker-thread.js` does. */
  constructor(spawn: () => Worker = spawnThread) {
    this.#spawn = spawn
  }

  /** Throws `MODEL_UNREADABLE`, `BAD_OPTION` or `WORKER_DIED`. */
  open(model: Uint8Array | string, options: SessionOptions = {}): Promise<Session> {
    const own = typeof model === 'string' ? model : Uint8Array.prototype.slice.call(model)
    if (!this.#crew || this.#crew.isOver) this.#crew = new Crew(this.#spawn(), () => this.#isKept)
    return this.#crew.open(own, options)
  }

  /** From now on the thread, once begun, also stays without a session, until {@link letEnd}. It does not keep the process alive. */
  keep(): void {
    this.#isKept = true
  }

  /** The thread ends with its last session again: now, if it has none. Resolves when it has ended, or when a session still goes on. */
  async letEnd(): Promise<void> {
    this.#isKept = false
    await this.#crew?.endIfIdle()
  }
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

/** A thread for a {@link SessionThread}. */
export function spawnThread(): Worker {
  const gate = new RunGate()
  const worker = new Worker(new URL('./worker-thread.js', import.meta.url), {
    name: 'isthmus-session',
    workerData: { gate: gate.memory } satisfies WorkerStart,
    // Flags of the main program, such as --input-type or -e, stop a worker from starting.
    execArgv: [],
  })
  watch(worker, gate)
  return worker
}
