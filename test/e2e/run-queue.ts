import { closeSync, openSync, readdirSync, readSync } from 'node:fs'

const tasks = '/proc/self/task'

/** The threads of this process by their ids; none where the system does not tell. */
export function threadIds(): readonly string[] {
  try {
    return readdirSync(tasks)
  } catch {
    return []
  }
}

/** How long a thread has waited for a processor, as Linux counts it (the second number of its schedstat). */
export class RunQueueWait {
  readonly #file: number
  readonly #text = Buffer.alloc(80)
  #lastMs: number

  private constructor(file: number) {
    this.#file = file
    this.#lastMs = this.#totalMs()
  }

  /** Undefined where the system does not count. */
  static of(thread: string): RunQueueWait | undefined {
    try {
      return new RunQueueWait(openSync(`${tasks}/${thread}/schedstat`, 'r'))
    } catch {
      return undefined
    }
  }

  /** Time waited since last asked, in ms. A wait that goes on is counted when it is over. */
  sinceLastMs(): number {
    const totalMs = this.#totalMs()
    const waitedMs = totalMs - this.#lastMs
    this.#lastMs = totalMs
    return waitedMs
  }

  close(): void {
    closeSync(this.#file)
  }

  #totalMs(): number {
    const length = readSync(this.#file, this.#text, 0, this.#text.length, 0)
    return Number(this.#text.toString('latin1', 0, length).split(' ')[1]) / 1e6
  }
}
