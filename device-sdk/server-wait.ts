import type { Clock } from './clock.ts'

/** A timer for longer fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** Those who wait until a server can be sent to and the link is measured; told to look whenever that may have changed. */
export class ServerWait {
  readonly #clock: Clock
  readonly #ready: () => boolean
  readonly #waiting = new Set<() => void>()
  #closed = false

  constructor(clock: Clock, ready: () => boolean) {
    this.#clock = clock
    this.#ready = ready
  }

  /** Resolves with true as soon as it is so, with false after `waitMs` or when closed. */
  async wait(waitMs: number): Promise<boolean> {
    if (this.#closed) return false
    if (this.#ready()) return true
    return new Promise<boolean>((resolve) => {
      const finish = (isReady: boolean) => {
        if (timer !== undefined) this.#clock.clearTimeout(timer)
        this.#waiting.delete(look)
        resolve(isReady)
      }
      const look = () => {
        if (this.#ready()) finish(true)
        else if (this.#closed) finish(false)
      }
      const timer =
        waitMs > LONGEST_TIMER_MS ? undefined : this.#clock.setTimeout(() => finish(false), waitMs)
      this.#waiting.add(look)
    })
  }

  look(): void {
    for (const look of [...this.#waiting]) look()
  }

  close(): void {
    this.#closed = true
    this.look()
  }
}
