/** A time in which a thread wanted to run and did not, in ms of the machine's monotonic clock. */
export interface Stall {
  readonly fromMs: number
  readonly toMs: number
}

const TICK_MS = 2
/** Timers are this inexact on an idle machine. */
const USUAL_MS = 2

/** The machine's monotonic clock: the same in every thread. */
export const machineMs = (): number => Number(process.hrtime.bigint()) / 1e6

/** Tells of every stall of this thread from now on. */
export function watchStalls(tell: (stall: Stall) => void): void {
  let lastMs = machineMs()
  setInterval(() => {
    const nowMs = machineMs()
    const dueMs = lastMs + TICK_MS + USUAL_MS
    if (nowMs > dueMs) tell({ fromMs: dueMs, toMs: nowMs })
    lastMs = nowMs
  }, TICK_MS).unref()
}

/** How much of `fromMs`..`toMs` lies in stalls, each moment counted once, in ms. */
export function stalledMs(stalls: readonly Stall[], fromMs: number, toMs: number): number {
  let sumMs = 0
  let seenMs = fromMs
  for (const stall of [...stalls].sort((a, b) => a.fromMs - b.fromMs)) {
    const beganMs = Math.max(seenMs, stall.fromMs)
    const endedMs = Math.min(toMs, stall.toMs)
    if (endedMs <= beganMs) continue
    sumMs += endedMs - beganMs
    seenMs = endedMs
  }
  return sumMs
}
