import type { FramePool } from './frame-pool.ts'

/** Told what became of frames at a server. `endS` may lie ahead of what else is known. */
export interface FrameEnds {
  /** The tail was done at `endS`. */
  done(slot: number, endS: number): void
  /** The frame was not begun by its deadline and is thrown away. */
  expired(slot: number): void
}

/** A server's discipline. Time goes forward: no call names an earlier time than the one before. */
export interface ServerQueue {
  /** Processor time spent until the horizon, s. */
  readonly busyS: number
  /** Lets time pass until `untilS`, that moment included. */
  advance(untilS: number): void
  /** A frame comes at `atS`; `advance(atS)` went before. */
  arrive(slot: number, atS: number): void
  /** How long a frame that comes at `atS` would have to wait, as far as the server can tell, s; `advance(atS)` went before. */
  waitS(atS: number): number
}

export interface ServerContext {
  readonly frames: FramePool
  readonly ends: FrameEnds
  /** Work after it does not count, s. */
  readonly limitS: number
}
