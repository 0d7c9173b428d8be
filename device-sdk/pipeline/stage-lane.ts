import type { Clock } from '../clock.ts'

/** One run of one stage on the device. */
export interface StageJob {
  /** What it takes, at worst. */
  readonly expectedMs: number
  /** Settles when it has ended, however. */
  run(): Promise<void>
}

/** A run of a pipeline, as the lane sees it. */
export interface LaneRun {
  /** By then its answer is to be ready. */
  readonly readyByMs: number
  /** Whether it still waits for a server and has not begun to do that work itself. */
  readonly mayHedge: boolean
  /** What is left to do if the server gives nothing more, in ms, at worst. */
  leftMs(): number
  /** Begins to do itself what it waits for. */
  hedge(): void
  /** What the device can do for it now. */
  next(): StageJob | undefined
}

/**
 * The order in which stages run on the device, one at a time: earliest deadline first. A run that waits for the server begins
 * to do that work itself at the latest moment at which it, and every run behind it, is still in time. A stage that would run into
 * that moment lets it begin at once.
 */
export class StageLane {
  readonly #clock: Clock
  readonly #timerLagMs: () => number
  /** By deadline. */
  readonly #runs: LaneRun[] = []
  #timer: unknown
  #busy = false

  /** `timerLagMs`: how much too late timers fire, at worst. */
  constructor(clock: Clock, timerLagMs: () => number = () => 0) {
    this.#clock = clock
    this.#timerLagMs = timerLagMs
  }

  /** What all runs have left to do, in ms, if no server gives anything. */
  leftMs(): number {
    return this.#runs.reduce((sum, run) => sum + (run.mayHedge ? 0 : run.leftMs()), 0)
  }

  add(run: LaneRun): void {
    let at = this.#runs.length
    while (at > 0 && this.#runs[at - 1]!.readyByMs > run.readyByMs) at--
    this.#runs.splice(at, 0, run)
  }

  remove(run: LaneRun): void {
    const at = this.#runs.indexOf(run)
    if (at < 0) return
    this.#runs.splice(at, 1)
    this.pump()
  }

  /** To be called whenever a run has something to do, or less. */
  pump(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#busy) return
    const nowMs = this.#clock.now()
    const latestMs = this.#latestStarts()
    for (const [at, run] of this.#runs.entries()) {
      if (run.mayHedge && latestMs[at]! <= nowMs + 0.5) run.hedge()
    }
    const job = this.#choose(nowMs, latestMs)
    if (job) {
      this.#start(job)
      return
    }
    const waiting = this.#runs.flatMap((run, at) => (run.mayHedge ? [latestMs[at]!] : []))
    if (waiting.length === 0) return
    this.#timer = this.#clock.setTimeout(() => this.pump(), Math.min(...waiting) - nowMs)
  }

  #choose(nowMs: number, latestMs: readonly number[]): StageJob | undefined {
    for (const [at, run] of this.#runs.entries()) {
      const job = run.next()
      if (!job) continue
      const endMs = nowMs + job.expectedMs
      const before = this.#runs.findIndex((other, k) => k < at && other.mayHedge && latestMs[k]! < endMs)
      if (before < 0) return job
      this.#runs[before]!.hedge()
      return this.#runs[before]!.next() ?? job
    }
    return undefined
  }

  /** Counted back from the last deadline: each must end before the next has to start. */
  #latestStarts(): number[] {
    const latestMs = new Array<number>(this.#runs.length)
    const lagMs = this.#timerLagMs()
    let startMs = Number.POSITIVE_INFINITY
    for (let at = this.#runs.length - 1; at >= 0; at--) {
      const run = this.#runs[at]!
      startMs = Math.min(startMs, run.readyByMs) - run.leftMs()
      latestMs[at] = startMs - lagMs
    }
    return latestMs
  }

  #start(job: StageJob): void {
    this.#busy = true
    const done = () => {
      this.#busy = false
      this.pump()
    }
    job.run().then(done, done)
  }
}
