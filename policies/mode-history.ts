/** What became of one mode so far. */
interface Entry {
  usedMs: number
  enteredMs: number
  barredUntilMs: number
  holdOffMs: number
}

/** A mode left again within this time was a mistake to take up, */
const QUICK_MS = 20_000
/** and bars the mode so many times longer than the last time. */
const GROWTH = 4

export interface HoldOff {
  /** A mode that was left is barred for this long; four times as long after each quick return, */
  readonly holdOffMs: number
  /** up to this. */
  readonly maxHoldOffMs: number
}

/** When each mode was used, and which may not be taken up again yet: it was left a short while ago. */
export class ModeHistory {
  readonly #options: HoldOff
  readonly #entries = new Map<number, Entry>()
  #liftedMs = Number.NEGATIVE_INFINITY

  constructor(options: HoldOff) {
    this.#options = options
  }

  /** Start of the newest frame that went to the mode; minus infinity when none did. */
  lastUseMs(mode: number): number {
    return this.#entries.get(mode)?.usedMs ?? Number.NEGATIVE_INFINITY
  }

  use(mode: number, nowMs: number): void {
    this.#entry(mode, nowMs).usedMs = nowMs
  }

  enter(mode: number, nowMs: number): void {
    this.#entry(mode, nowMs).enteredMs = nowMs
  }

  leave(mode: number, nowMs: number): void {
    const { holdOffMs, maxHoldOffMs } = this.#options
    const past = this.#entry(mode, nowMs)
    const quick = nowMs - past.enteredMs < QUICK_MS
    past.holdOffMs = quick ? Math.min(GROWTH * past.holdOffMs, maxHoldOffMs) : holdOffMs
    past.barredUntilMs = nowMs + past.holdOffMs
  }

  isBarred(mode: number, nowMs: number): boolean {
    return nowMs < (this.#entries.get(mode)?.barredUntilMs ?? Number.NEGATIVE_INFINITY)
  }

  /** Frees all modes, for things have changed; not more often than the longest bar lasts, or noise would undo them. */
  liftBars(nowMs: number): void {
    if (nowMs - this.#liftedMs < this.#options.maxHoldOffMs) return
    this.#liftedMs = nowMs
    for (const entry of this.#entries.values()) entry.barredUntilMs = nowMs
  }

  #entry(mode: number, nowMs: number): Entry {
    let entry = this.#entries.get(mode)
    if (!entry) {
      entry = {
        usedMs: nowMs,
        enteredMs: nowMs,
        barredUntilMs: 0,
        holdOffMs: this.#options.holdOffMs / GROWTH,
      }
      this.#entries.set(mode, entry)
    }
    return entry
  }
}
