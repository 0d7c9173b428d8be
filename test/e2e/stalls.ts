/** A time in which a thread wanted to run and did not, in ms of the machine's monotonic clock. */
export interface Stall {
  readonly fromMs: number
  readonly toMs: number
}

/** The machine's monotonic clock: the same in every thread. */
export const machineMs = (): number => Number(process.hrtime.bigint()) / 1e6

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
