import type { Worker } from 'node:worker_threads'
import type { IsthmusError } from '@isthmus/proto'
import { modelError } from '../errors.ts'
import type { WorkerReply } from './worker-messages.ts'

interface Waiting {
  resolve(reply: WorkerReply): void
  reject(error: IsthmusError): void
}

/**
 * The conversation with one worker thread: each request waits in a queue, each reply answers the oldest. The thread
 * keeps the process alive only while something waits for it. When the thread ends, whatever waits is rejected.
 */
export class Conversation {
  /** Resolves when the thread has ended. */
  readonly ended: Promise<void>
  readonly #worker: Worker
  readonly #waiting: Waiting[] = []
  #death: IsthmusError | undefined
  #closing = false

  constructor(worker: Worker) {
    this.#worker = worker
    let end: () => void
    this.ended = new Promise((resolve) => {
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

  /** Whether it has been told to end, or has ended by itself. */
  get isOver(): boolean {
    return this.#closing || this.#death !== undefined
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
    return this.ended
  }

  #die(detail: string, cause?: unknown): void {
    this.#death ??= modelError('WORKER_DIED', `The worker thread of this session ${detail}`, cause)
    for (const { reject } of this.#waiting.splice(0)) reject(this.#death)
  }
}
