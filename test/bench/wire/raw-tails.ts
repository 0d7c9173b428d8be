import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { RawRun, RawSetup } from './raw-worker.ts'

/** So many threads that each run the same tail as fast as they can. */
export class RawTails {
  readonly #workers: readonly Worker[]

  private constructor(workers: readonly Worker[]) {
    this.#workers = workers
  }

  static async open(model: Uint8Array, threads: number): Promise<RawTails> {
    const setup: RawSetup = { model }
    const workers = Array.from(
      { length: threads },
      () => new Worker(new URL('./raw-worker.js', import.meta.url), { workerData: setup }),
    )
    await Promise.all(workers.map((worker) => once(worker, 'message')))
    return new RawTails(workers)
  }

  /** Runs for so long; returns inferences per second of all threads together. */
  async run(durationMs: number): Promise<number> {
    const finished = this.#workers.map((worker) => once(worker, 'message') as Promise<[RawRun]>)
    for (const worker of this.#workers) worker.postMessage(durationMs)
    let perSecond = 0
    for (const [{ runs, elapsedMs }] of await Promise.all(finished)) perSecond += (1000 * runs) / elapsedMs
    return perSecond
  }

  async close(): Promise<void> {
    const ended = this.#workers.map((worker) => once(worker, 'exit'))
    for (const worker of this.#workers) worker.postMessage('close')
    await Promise.all(ended)
  }
}
