import type { Clock } from './clock.ts'

interface Entry<Run> {
  readonly run: Run
  readonly deadlineAtMs: number
  /** A hedge waits for the server as long as it can; anything else wants its turn now. */
  readonly hedge: boolean
}

/**
 * The order in which local answers are computed, one at a time. Earliest deadline first; a frame that waits for the
 * server gets its turn at the latest moment at which it, and everything behind it, is still in time. Work that has
 * more time does not start when it would run into such a moment.
 */
export class LocalLane<Run extends { runLocal(): Promise<void> }> {
  readonly #clock: Clock
  readonly #localMs: () => number
  readonly #timerLagMs: () => number
  /** By deadline. */
  readonly #entries: Entry<Run>[] = []
  #timer: unknown
  #busy = false

  /** As measured, both at worst: how long one local answer takes, and how much too late timers fire. */
  constructor(clock: Clock, localMs: () => number, timerLagMs: () => number = () => 0) {
    this.#clock = clock
    this.#localMs = localMs
    this.#timerLagMs = timerLagMs
  }

  /** Local answers that are wanted now and not finished. */
  get backlog(): number {
    return this.#entries.filter(({ hedge }) => !hedge).length + (this.#busy ? 1 : 0)
  }

  /** Computes a local answer as soon as it is its turn. */
  now(run: Run, deadlineAtMs: number): void {
    this.#add({ run, deadlineAtMs, hedge: false })
  }

  /** Computes a local answer just in time for `deadlineAtMs`, unless the run is removed before. */
  hedge(run: Run, deadlineAtMs: number): void {
    this.#add({ run, deadlineAtMs, hedge: true })
  }

  /** Takes a run out that has not started. */
  remove(run: Run): void {
    const at = this.#entries.findIndex((entry) => entry.run === run)
    if (at < 0) return
    this.#entries.splice(at, 1)
    this.#pump()
  }

  #add(entry: Entry<Run>): void {
    const old = this.#entries.findIndex(({ run }) => run === entry.run)
    if (old >= 0) this.#entries.splice(old, 1)
    let at = this.#entries.length
    while (at > 0 && this.#entries[at - 1]!.deadlineAtMs > entry.deadlineAtMs) at--
    this.#entries.splice(at, 0, entry)
    this.#pump()
  }

  #pump(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#busy || this.#entries.length === 0) return
    const localMs = this.#localMs()
    const nowMs = this.#clock.now()
    const ready = this.#entries.find(({ hedge }) => !hedge)
    const hedge = this.#entries.find((entry) => entry.hedge)
    const hedgeAtMs = hedge
      ? this.#latestStartMs(hedge, localMs) - this.#timerLagMs()
      : Number.POSITIVE_INFINITY
    if (hedge && !ready && hedgeAtMs > nowMs + 0.5) {
      this.#timer = this.#clock.setTimeout(() => this.#pump(), hedgeAtMs - nowMs)
      return
    }
    const hedgeFirst =
      hedge && (!ready || (hedge.deadlineAtMs < ready.deadlineAtMs && nowMs + localMs > hedgeAtMs))
    this.#start(hedgeFirst ? hedge : ready!)
  }

  /** Counted back from the last deadline: each must end before the next has to start. */
  #latestStartMs(of: Entry<Run>, localMs: number): number {
    let startMs = Number.POSITIVE_INFINITY
    for (let i = this.#entries.length - 1; i >= 0; i--) {
      startMs = Math.min(startMs, this.#entries[i]!.deadlineAtMs) - localMs
      if (this.#entries[i] === of) break
    }
    return startMs
  }

  #start(entry: Entry<Run>): void {
    this.#entries.splice(this.#entries.indexOf(entry), 1)
    this.#busy = true
    const done = () => {
      this.#busy = false
      this.#pump()
    }
    entry.run.runLocal().then(done, done)
  }
}
