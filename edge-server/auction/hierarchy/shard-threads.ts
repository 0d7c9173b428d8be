import { Worker } from 'node:worker_threads'
import { edgeError } from '../../errors.ts'
import type { ClearingState, Shard } from './shard.ts'
import type { ShardAnswers, ShardRunner, ShardTask } from './shard-runner.ts'

/** What a thread is told. */
export type ShardMessage =
  | { readonly state: ClearingState }
  | { readonly task: ShardTask; readonly shards: readonly Shard[] }

/** What a thread answers to a task. */
export type ShardReply = { readonly answers: readonly unknown[] } | { readonly failure: string }

interface Waiting {
  readonly resolve: (answers: readonly unknown[]) => void
  readonly reject: (error: Error) => void
}

/** Starts one thread. */
const spawnShardThread = (): Worker => new Worker(new URL('./shard-main.js', import.meta.url))

/**
 * Threads that work on shards of clearings, kept from round to round. Markets reach them in shared memory. When one dies, what
 * was asked of any fails with `AUCTION_THREAD_DIED`, and so does all that is asked later: the caller opens new ones, or clears
 * with `LocalShards`, which gives the same result.
 */
export class ShardThreads implements ShardRunner {
  readonly #threads: readonly Worker[]
  readonly #waiting: Waiting[][]
  #dead: Error | undefined

  constructor(threads: number, spawn: () => Worker = spawnShardThread) {
    this.#threads = Array.from({ length: threads }, spawn)
    this.#waiting = this.#threads.map(() => [])
    for (const [at, thread] of this.#threads.entries()) {
      thread.unref()
      thread.on('message', (reply: ShardReply) => {
        const asked = this.#waiting[at]!.shift()
        if (this.#waiting[at]!.length === 0) thread.unref()
        if ('answers' in reply) asked?.resolve(reply.answers)
        else this.#fail(edgeError('AUCTION_THREAD_DIED', `A thread failed: ${reply.failure}`))
      })
      thread.on('error', (error) => this.#fail(edgeError('AUCTION_THREAD_DIED', 'A thread failed', error)))
      thread.on('exit', (code) =>
        this.#fail(edgeError('AUCTION_THREAD_DIED', `A thread ended with exit code ${code}`)),
      )
    }
  }

  open(state: ClearingState): void {
    for (const thread of this.#threads) thread.postMessage({ state } satisfies ShardMessage)
  }

  async ask<Task extends ShardTask>(task: Task, shards: readonly Shard[]): Promise<ShardAnswers[Task][]> {
    if (this.#dead) throw this.#dead
    const threads = this.#threads.length
    const answers = await Promise.all(
      this.#threads.map((thread, at) => {
        const own = shards.filter((_, shard) => shard % threads === at)
        return new Promise<readonly unknown[]>((resolve, reject) => {
          this.#waiting[at]!.push({ resolve, reject })
          thread.ref()
          thread.postMessage({ task, shards: own } satisfies ShardMessage)
        })
      }),
    )
    return shards.map((_, shard) => answers[shard % threads]![Math.floor(shard / threads)] as never)
  }

  async close(): Promise<void> {
    this.#fail(edgeError('AUCTION_THREAD_DIED', 'The threads have been closed'))
    await Promise.all(this.#threads.map((thread) => thread.terminate()))
  }

  #fail(error: Error): void {
    if (this.#dead) return
    this.#dead = error
    for (const asked of this.#waiting) for (const { reject } of asked.splice(0)) reject(error)
  }
}
