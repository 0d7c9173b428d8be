import { EventHeap } from './event-heap.ts'
import type { ServerContext, ServerQueue } from './server-queue.ts'

/**
 * Egalitarian processor sharing: all frames at once, each at the same speed. The heap is by the service that one frame alone would have
 * had (virtual time), so a frame that comes or goes changes one number and not all ends.
 */
export class SharingServer implements ServerQueue {
  busyS = 0
  private readonly processors: number
  private readonly context: ServerContext
  private readonly jobs = new EventHeap()
  private nowS = 0
  /** Service that a frame which has always been here would have had, s. */
  private servedS = 0
  private meanServiceS = 0

  constructor(processors: number, context: ServerContext) {
    this.processors = processors
    this.context = context
  }

  advance(untilS: number): void {
    const { jobs, processors, context } = this
    while (jobs.size > 0) {
      const share = jobs.size > processors ? processors / jobs.size : 1
      const endS = this.nowS + (jobs.firstKey - this.servedS) / share
      if (endS > untilS) {
        this.servedS += (untilS - this.nowS) * share
        this.pass(untilS)
        return
      }
      this.servedS = jobs.firstKey
      this.pass(endS)
      context.ends.done(jobs.pop(), endS)
    }
    // Begun anew while the server is empty, so that rounding does not grow.
    this.servedS = 0
    if (untilS < Infinity) this.nowS = untilS
  }

  arrive(slot: number, atS: number): void {
    const { frames, ends } = this.context
    if (atS > frames.lateS[slot]!) {
      ends.expired(slot)
      return
    }
    const serviceS = frames.serviceS[slot]!
    this.meanServiceS += 0.05 * (serviceS - this.meanServiceS)
    this.jobs.push(this.servedS + serviceS, slot)
  }

  /** A frame of mean size: by how much it would take longer than alone. */
  waitS(): number {
    return this.meanServiceS * Math.max(0, (this.jobs.size + 1) / this.processors - 1)
  }

  private pass(untilS: number): void {
    const { limitS } = this.context
    const spentS = Math.min(untilS, limitS) - Math.min(this.nowS, limitS)
    this.busyS += spentS * Math.min(this.jobs.size, this.processors)
    this.nowS = untilS
  }
}
