import { EventHeap } from './event-heap.ts'
import type { ServerContext, ServerQueue } from './server-queue.ts'

/** First come, first served by k workers: a frame's end is known when it comes, so nothing waits for an event. */
export class FifoServer implements ServerQueue {
  busyS = 0
  private readonly context: ServerContext
  /** When each worker is free. */
  private readonly workers: EventHeap

  constructor(workers: number, context: ServerContext) {
    this.context = context
    this.workers = new EventHeap(workers)
    for (let worker = 0; worker < workers; worker++) this.workers.push(0, worker)
  }

  advance(): void {}

  arrive(slot: number, atS: number): void {
    const { frames, ends, limitS } = this.context
    const { workers } = this
    const freeS = workers.firstKey
    const startS = freeS > atS ? freeS : atS
    if (startS > frames.lateS[slot]!) {
      ends.expired(slot)
      return
    }
    const endS = startS + frames.serviceS[slot]!
    workers.postpone(endS)
    this.busyS += Math.min(endS, limitS) - Math.min(startS, limitS)
    ends.done(slot, endS)
  }

  waitS(atS: number): number {
    return Math.max(0, this.workers.firstKey - atS)
  }
}
