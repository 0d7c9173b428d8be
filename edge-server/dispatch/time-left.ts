import { elapsedUs32 } from '@isthmus/proto'

/** What the envelope of a request says about time. */
export interface RequestTimes {
  /** Time left until the deadline when the request was sent, microseconds; 0: no deadline. */
  readonly budgetUs: number
  /** The sender's estimate of this server's clock when it sent, microseconds modulo 2^32; absent until it has one. */
  readonly receiverUs?: number | undefined
}

/**
 * A sender's estimate that is further off than this is not an estimate of this server's present clock (the server
 * has restarted, or a clock has jumped): the request is then treated as if it had just been sent.
 */
export const PLAUSIBLE_TRANSIT_MS = 60_000

/** Milliseconds since the sender's estimate of this server's clock; 0 when unknown, implausible or in the future. */
export function transitMs(receiverUs: number | undefined, nowUs: number): number {
  if (receiverUs === undefined) return 0
  const elapsedMs = elapsedUs32(nowUs, receiverUs) / 1000
  return elapsedMs > 0 && elapsedMs <= PLAUSIBLE_TRANSIT_MS ? elapsedMs : 0
}

/**
 * When a request is no longer worth computing, on the server's clock.
 * @param nowMs when it arrived, on the server's clock, and `nowUs` the same instant as the wire counts it
 * @param longestMs what a request without a deadline, or with a very long one, may wait
 */
export function deadlineOf(times: RequestTimes, nowMs: number, nowUs: number, longestMs: number): number {
  if (times.budgetUs === 0) return nowMs + longestMs
  return nowMs + Math.min(longestMs, times.budgetUs / 1000 - transitMs(times.receiverUs, nowUs))
}
