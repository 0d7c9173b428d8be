import type { ServerContext, ServerQueue } from './server-queue.ts'

export interface BatchLine {
  /** Most frames in one batch. */
  readonly maxBatch: number
  /** The first frame waits at most this long for others while the server is idle, s. */
  readonly batchWaitS: number
  /** A batch takes this, s, */
  readonly setupS: number
  /** and this share of what its frames would take one by one. */
  readonly share: number
}

/**
 * Batches: when the server is free it takes what has come, up to `maxBatch`, as soon as that many are there or the first has waited long
 * enough. All frames of a batch end together.
 */
export class BatchingServer implements ServerQueue {
  busyS = 0
  private readonly line: BatchLine
  private readonly context: ServerContext
  /** Frames that wait, a ring. */
  private slots = new Int32Array(64)
  private atS = new Float64Array(64)
  private first = 0
  private last = 0
  private freeS = 0
  private lastBatchS = 0

  constructor(line: BatchLine, context: ServerContext) {
    this.line = line
    this.context = context
  }

  advance(untilS: number): void {
    while (this.first < this.last) {
      const startS = this.nextStartS()
      if (startS > untilS) return
      this.start(startS)
    }
  }

  arrive(slot: number, atS: number): void {
    if (this.last - this.first === this.slots.length) this.grow()
    const at = this.last++ & (this.slots.length - 1)
    this.slots[at] = slot
    this.atS[at] = atS
    // The frame that fills a batch starts it at once.
    this.advance(atS)
  }

  waitS(atS: number): number {
    const { maxBatch, setupS } = this.line
    const waiting = this.last - this.first
    const batches = Math.floor(waiting / maxBatch)
    return Math.max(0, this.freeS - atS) + batches * Math.max(setupS, this.lastBatchS)
  }

  /** When the next batch starts if nothing else comes; something waits. */
  private nextStartS(): number {
    const waiting = this.last - this.first
    const { maxBatch, batchWaitS } = this.line
    const mask = this.slots.length - 1
    const readyS =
      waiting >= maxBatch
        ? this.atS[(this.first + maxBatch - 1) & mask]!
        : this.atS[this.first & mask]! + batchWaitS
    return Math.max(this.freeS, readyS)
  }

  private start(startS: number): void {
    const { frames, ends, limitS } = this.context
    const { maxBatch, setupS, share } = this.line
    const mask = this.slots.length - 1
    const from = this.first
    let taken = 0
    let serviceS = 0
    for (; this.first < this.last && taken < maxBatch; this.first++) {
      const slot = this.slots[this.first & mask]!
      if (startS > frames.lateS[slot]!) continue
      serviceS += frames.serviceS[slot]!
      taken++
    }
    const endS = taken > 0 ? startS + setupS + share * serviceS : startS
    for (let at = from; at < this.first; at++) {
      const slot = this.slots[at & mask]!
      if (startS > frames.lateS[slot]!) ends.expired(slot)
      else ends.done(slot, endS)
    }
    if (taken === 0) return
    this.freeS = endS
    this.lastBatchS = endS - startS
    this.busyS += Math.min(endS, limitS) - Math.min(startS, limitS)
  }

  private grow(): void {
    const slots = new Int32Array(2 * this.slots.length)
    const atS = new Float64Array(2 * this.slots.length)
    for (let at = this.first; at < this.last; at++) {
      slots[at & (slots.length - 1)] = this.slots[at & (this.slots.length - 1)]!
      atS[at & (slots.length - 1)] = this.atS[at & (this.slots.length - 1)]!
    }
    this.slots = slots
    this.atS = atS
  }
}
