/** Monotonic time and timers, handed in so that whole devices run in virtual time. */
export interface Clock {
  /** Milliseconds of a clock that never jumps. */
  now(): number
  setTimeout(callback: () => void, ms: number): unknown
  clearTimeout(timer: unknown): void
}

/** The machine's monotonic clock: changes of the wall clock do not touch it. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
}
