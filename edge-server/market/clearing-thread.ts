import { Worker } from 'node:worker_threads'
import type { RoundOptions, RoundResult } from '../auction/index.ts'
import type { Market } from '../auction/market.ts'
import { edgeError } from '../errors.ts'

/** What the thread is told. */
export interface ToClearing {
  readonly id: number
  readonly market: Market
  readonly options: RoundOptions
}

/** What it answers: the round, and then, when it has the time, how far from the best it may be. */
export type FromClearing =
  | { readonly id: number; readonly result: RoundResult }
  | { readonly id: number; readonly bound: RoundBound }
  | { readonly id: number; readonly failure: string; readonly isNotExact: boolean }

/** How good a round can be said to be. */
export type RoundBound = Pick<RoundResult, 'upperBound' | 'gap'>

export interface ClearingThreadOptions {
  /** Told after a round how good it was; of rounds that follow each other too fast, not of all. */
  readonly onBound?: (bound: RoundBound) => void
  readonly spawn?: () => Worker
  /** A thread that takes longer over a round is given up. Default 30 s, and twice what the round itself may take. */
  readonly giveUpMs?: number
}

interface Waiting {
  readonly id: number
  readonly resolve: (result: RoundResult) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

const GIVE_UP_MS = 30_000

const spawnClearing = (): Worker => new Worker(new URL('./clearing-main.js', import.meta.url))

/**
 * Clears rounds in a thread of its own, so that requests and messages are served meanwhile. The round that a thread dies over fails with
 * `AUCTION_THREAD_DIED`; the next one has a new thread.
 */
export class ClearingThread {
  readonly #options: ClearingThreadOptions
  #worker: Worker | undefined
  #waiting: Waiting[] = []
  #ids = 0
  #closed = false

  constructor(options: ClearingThreadOptions = {}) {
    this.#options = options
  }

  /** Starts the thread before the first round needs it. */
  open(): void {
    if (!this.#closed) this.#worker ??= this.#start()
  }

  /** As `clearRound` (and `NOT_EXACT` is thrown as there), but without the bound, which is told later. */
  clear(market: Market, options: RoundOptions): Promise<RoundResult> {
    if (this.#closed) return Promise.reject(edgeError('AUCTION_THREAD_DIED', 'The market has been closed'))
    this.#worker ??= this.#start()
    const id = ++this.#ids
    this.#worker.ref()
    this.#worker.postMessage({ id, market, options } satisfies ToClearing)
    const worker = this.#worker
    const { giveUpMs = Math.max(GIVE_UP_MS, 2 * (options.timeLimitMs ?? 0)) } = this.#options
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#giveUp(worker), giveUpMs)
      this.#waiting.push({ id, resolve, reject, timer })
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    const worker = this.#worker
    this.#fail(worker, 'The market has been closed')
    await worker?.terminate()
  }

  #start(): Worker {
    const worker = (this.#options.spawn ?? spawnClearing)()
    worker.unref()
    worker.on('message', (message: FromClearing) => this.#hear(message))
    worker.on('error', (error) => this.#fail(worker, 'The thread that clears rounds failed', error))
    worker.on('exit', (code) =>
      this.#fail(worker, `The thread that clears rounds ended with exit code ${code}`),
    )
    return worker
  }

  #hear(message: FromClearing): void {
    if ('bound' in message) {
      this.#options.onBound?.(message.bound)
      return
    }
    const asked = this.#waiting.find(({ id }) => id === message.id)
    this.#waiting = this.#waiting.filter((one) => one !== asked)
    clearTimeout(asked?.timer)
    if (this.#waiting.length === 0) this.#worker?.unref()
    if ('result' in message) asked?.resolve(message.result)
    else if (message.isNotExact) asked?.reject(edgeError('NOT_EXACT', 'A round was not solved in its time'))
    else asked?.reject(edgeError('AUCTION_THREAD_DIED', `A round could not be cleared: ${message.failure}`))
  }

  #giveUp(worker: Worker): void {
    this.#fail(worker, 'The thread that clears rounds took too long over one')
    void worker.terminate()
  }

  #fail(worker: Worker | undefined, detail: string, cause?: unknown): void {
    if (worker !== this.#worker) return
    this.#worker = undefined
    for (const { reject, timer } of this.#waiting.splice(0)) {
      clearTimeout(timer)
      reject(edgeError('AUCTION_THREAD_DIED', detail, cause))
    }
  }
}
