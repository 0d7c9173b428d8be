import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { IsthmusError } from '@isthmus/proto'
import { policyError } from '../../errors.ts'
import type { ProblemSpec } from '../problems/index.ts'
import type { CollectorJob, CollectorResults } from './collector-jobs.ts'

interface Asked {
  readonly job: CollectorJob
  readonly resolve: (result: never) => void
  readonly reject: (error: Error) => void
}

interface Reply {
  readonly result?: never
  readonly failure?: { readonly code: string; readonly message: string }
}

/**
 * Threads that play episodes while the caller trains. Results do not depend on how many there are: each job names all that it
 * depends on, and whoever asked gets its own answer.
 */
export class Collectors {
  readonly #threads: Worker[] = []
  readonly #idle: Worker[] = []
  readonly #waiting: Asked[] = []
  readonly #running = new Map<Worker, Asked>()
  #dead: Error | undefined

  constructor(problem: ProblemSpec, threads: number) {
    for (let k = 0; k < threads; k++) {
      const thread = new Worker(new URL('./collector-main.js', import.meta.url), { workerData: problem })
      thread.on('message', (reply: Reply) => this.#settle(thread, reply))
      thread.on('error', (error) => this.#fail(error))
      thread.on('exit', (code) =>
        this.#fail(policyError('COLLECTOR_DIED', `a collector ended (exit code ${code})`)),
      )
      this.#threads.push(thread)
      this.#idle.push(thread)
    }
  }

  /** Rejects with the job's own error, or COLLECTOR_DIED. */
  ask<Kind extends CollectorJob['kind']>(
    job: CollectorJob & { kind: Kind },
  ): Promise<CollectorResults[Kind]> {
    if (this.#dead) return Promise.reject(this.#dead)
    const answer = new Promise<CollectorResults[Kind]>((resolve, reject) => {
      this.#waiting.push({ job, resolve, reject })
      this.#hand()
    })
    // Whoever asked may have given up: what then fails is nobody's to catch.
    answer.catch(() => {})
    return answer
  }

  async dispose(): Promise<void> {
    const held = new Map(this.#running)
    this.#fail(policyError('COLLECTOR_DIED', 'the collectors have been disposed of'))
    await Promise.all(this.#threads.map((thread) => ended(thread, held.get(thread)?.job)))
  }

  #hand(): void {
    while (this.#idle.length > 0 && this.#waiting.length > 0) {
      const thread = this.#idle.pop()!
      const asked = this.#waiting.shift()!
      this.#running.set(thread, asked)
      thread.postMessage(asked.job)
    }
  }

  #settle(thread: Worker, { result, failure }: Reply): void {
    const asked = this.#running.get(thread)
    this.#running.delete(thread)
    this.#idle.push(thread)
    if (failure) asked?.reject(new IsthmusError(failure.code, failure.message))
    else asked?.resolve(result as never)
    this.#hand()
  }

  #fail(error: Error): void {
    if (this.#dead) return
    this.#dead = error
    for (const { reject } of [...this.#running.values(), ...this.#waiting]) reject(error)
    this.#running.clear()
    this.#waiting.length = 0
  }
}

/** A thread that is ended while ONNX Runtime runs in it takes the whole process along: such a one is asked to leave. */
function ended(thread: Worker, job: CollectorJob | undefined): Promise<unknown> {
  if (job && !(job.kind === 'labels' && job.base)) return thread.terminate()
  const exit = thread.threadId < 0 ? Promise.resolve() : once(thread, 'exit')
  thread.postMessage('stop')
  return exit
}
