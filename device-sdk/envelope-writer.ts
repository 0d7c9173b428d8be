import { clockUs32, type MessageFields } from '@isthmus/proto'
import type { ServerClock } from './server-clock.ts'

/** Heads of a device's messages: each names the sender's life, counts on, and says when it was sent, on both clocks where known. */
export class EnvelopeWriter {
  readonly #boot: number
  readonly #serverClock: ServerClock
  #sequence = 0

  constructor(boot: number, serverClock: ServerClock) {
    this.#boot = boot
    this.#serverClock = serverClock
  }

  /** `budgetMs`: time left until the deadline; 0: none. */
  next(id: number, budgetMs: number, sentMs: number): MessageFields['envelope'] {
    this.#sequence = (this.#sequence + 1) >>> 0
    return {
      id,
      boot: this.#boot,
      sequence: this.#sequence,
      budgetUs: Math.min(0xffffffff, Math.round(budgetMs * 1000)),
      sentUs: clockUs32(sentMs),
      receiverUs: this.#serverClock.nowUs(sentMs),
    }
  }
}
