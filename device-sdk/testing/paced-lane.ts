import type { Clock } from '../clock.ts'

export interface LaneShape {
  /** bit/s; Infinity: no limit. */
  readonly rateBps: number
  /** From the end of sending to arrival. */
  readonly delayMs: number
  /** Each segment takes up to so much longer; the order stays. */
  readonly jitterMs: number
  /** Uniform in [0, 1). */
  readonly random: () => number
}

interface Segment {
  readonly owner: object
  readonly bytes: number
  readonly sinceMs: number
  readonly deliver: () => void
}

/**
 * One direction of a link: segments are sent one after the other at the rate of the lane, then travel for the delay.
 * A token bucket of one segment: nothing is saved up while the lane is idle, so n bytes never take less than 8n / rate.
 */
export class PacedLane {
  readonly #shape: LaneShape
  #rateBps: number
  readonly #clock: Clock
  #waiting: Segment[] = []
  #travelling: { arriveMs: number; segment: Segment }[] = []
  #freeMs = 0
  #timer: unknown
  /** The lane's own time stands still while it is held. */
  #heldSinceMs: number | undefined
  #lostMs = 0

  constructor(shape: LaneShape, clock: Clock) {
    this.#shape = shape
    this.#rateBps = shape.rateBps
    this.#clock = clock
  }

  /** Sends `bytes` after all that was given before; `deliver` is called when they have arrived. */
  send(owner: object, bytes: number, deliver: () => void): void {
    this.#waiting.push({ owner, bytes, sinceMs: this.#now(), deliver })
    this.#move()
  }

  /** For what is sent from now on; what is being sent goes on as it began. */
  setRate(rateBps: number): void {
    this.#rateBps = rateBps
  }

  /** Forgets what `owner` still has on this lane. */
  drop(owner: object): void {
    this.#waiting = this.#waiting.filter((segment) => segment.owner !== owner)
    this.#travelling = this.#travelling.filter(({ segment }) => segment.owner !== owner)
  }

  /** From now on nothing moves. */
  hold(): void {
    if (this.#heldSinceMs !== undefined) return
    this.#heldSinceMs = this.#now()
    this.#clearTimer()
  }

  /** Moves on from where it was held. */
  release(): void {
    if (this.#heldSinceMs === undefined) return
    this.#lostMs = this.#clock.now() - this.#heldSinceMs
    this.#heldSinceMs = undefined
    this.#move()
  }

  #now(): number {
    return this.#heldSinceMs ?? this.#clock.now() - this.#lostMs
  }

  #move(): void {
    if (this.#heldSinceMs !== undefined) return
    const nowMs = this.#now()
    while (this.#waiting[0] && this.#freeMs <= nowMs) this.#start(this.#waiting.shift()!)
    while (this.#travelling[0] && this.#travelling[0].arriveMs <= nowMs) {
      this.#travelling.shift()!.segment.deliver()
    }
    this.#clearTimer()
    const nextMs = Math.min(
      this.#waiting.length > 0 ? this.#freeMs : Number.POSITIVE_INFINITY,
      this.#travelling[0]?.arriveMs ?? Number.POSITIVE_INFINITY,
    )
    if (nextMs === Number.POSITIVE_INFINITY) return
    // Rounded up: a timer that fires a little early would only have to be set again.
    this.#timer = this.#clock.setTimeout(() => this.#move(), Math.ceil(nextMs - nowMs))
  }

  #start(segment: Segment): void {
    const { delayMs, jitterMs, random } = this.#shape
    // Counted from when the lane was free, not from when a late timer noticed: the rate stays exact.
    this.#freeMs = Math.max(this.#freeMs, segment.sinceMs) + (8000 * segment.bytes) / this.#rateBps
    const lastMs = this.#travelling.at(-1)?.arriveMs ?? 0
    const arriveMs = Math.max(lastMs, this.#freeMs + delayMs + jitterMs * random())
    this.#travelling.push({ arriveMs, segment })
  }

  #clearTimer(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
