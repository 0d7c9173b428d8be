import { FIRST_MODE, FIRST_RATE_KBPS, RATE_WEIGHT } from './recorded-frames.ts'
import type { Chooser, FrameTimes } from './replay.ts'
import { slimmableModes } from './slimmable-modes.ts'

/**
 * The published run-time controller (Slimmable Ensemble Encoders, arXiv 2306.12691): a running average of the rate, then the most accurate
 * mode with 60 ms · mode/10 + bytes/rate below 0.8 of the deadline, else mode 11. The division is not a whole one: bits
 * count as tenths of an encoder. It knows neither the decoder nor how long the encoders really take.
 */
export class PublishedController implements Chooser {
  #averageKBps = FIRST_RATE_KBPS
  #next = FIRST_MODE
  readonly #deadlineMs: number

  constructor(deadlineMs: number) {
    this.#deadlineMs = deadlineMs
  }

  choose(): number {
    return this.#next
  }

  learn(_nowMs: number, { mode, transferMs }: FrameTimes): void {
    const newestKBps = mode.payloadBytes / transferMs
    this.#averageKBps = RATE_WEIGHT * newestKBps + (1 - RATE_WEIGHT) * this.#averageKBps
    let best = { id: FIRST_MODE, accuracy: 0 }
    for (const { id, payloadBytes, accuracy } of slimmableModes) {
      const expectedMs = 60 * (id / 10) + payloadBytes / this.#averageKBps
      if (expectedMs < 0.8 * this.#deadlineMs && accuracy >= best.accuracy) best = { id, accuracy }
    }
    this.#next = best.id
  }
}
