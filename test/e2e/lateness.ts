import { type Stall, stalledMs } from './stalls.ts'

/** One answer, on the machine's monotonic clock. */
export interface AnswerTimes {
  readonly askedMs: number
  readonly answeredMs: number
}

/** An answer may come so long after its deadline. */
export const TOLERANCE_MS = 5
/** Before the deadline the local answer is due: from here on the device needs the processor. */
const NEEDS_PROCESSOR_MS = 20

/**
 * How long after its deadline an answer came, not counting the time in which the device was kept from running when
 * it had to: busy machines stop threads for tens of milliseconds, and no program can answer while it is not run. What
 * is taken off is measured: on Linux the time that the device's own threads waited for a processor, as the kernel
 * counts it, and everywhere the time that an idle thread beside them did not get to run; and only from shortly before
 * the deadline to the answer: a stall before that is the device's to make good. An event loop that is held up by the
 * device's own work counts as late.
 */
export function lateByMs(
  { askedMs, answeredMs }: AnswerTimes,
  deadlineMs: number,
  stalls: readonly Stall[],
): number {
  const deadlineAtMs = askedMs + deadlineMs
  const lateMs = answeredMs - deadlineAtMs
  return lateMs <= 0 ? 0 : lateMs - stalledMs(stalls, deadlineAtMs - NEEDS_PROCESSOR_MS, answeredMs)
}
