import type { LinkEstimator } from '@isthmus/policies'

/** A probe on its way. */
export interface SentProbe {
  readonly id: number
  readonly sentMs: number
  readonly sentUs: number
  readonly bytesUp: number
}

export interface ProbeOptions {
  /** Shortest time between two probes; 0: none at all. */
  readonly intervalMs: number
  /** Padding of the probe that measures the rate. */
  readonly largeBytes: number
}

/** How long a probe's answer is waited for, in ms. */
const TIMEOUT_MS = 3000
/** A size class measured within this time needs no probe, in ms. */
const FRESH_MS = 4000
/** A large probe takes about so much of the link's time, in ms, but is never smaller than this, in bytes. */
const LARGE_PROBE_MS = 50
const LEAST_LARGE_BYTES = 512
/** Right after connecting the first few follow each other at once: the sooner a link is known, the better. */
const BURST = 4

/** Decides when a probe is worth its bytes. One is on its way at a time. */
export class LinkProber {
  readonly #options: ProbeOptions
  #out: SentProbe | undefined
  #lastMs = Number.NEGATIVE_INFINITY
  #sentHere = 0

  constructor(options: ProbeOptions) {
    this.#options = options
  }

  /** Another connection, or another life of the server: what is on its way will not be answered. */
  restart(): void {
    this.#out = undefined
    this.#sentHere = 0
  }

  /** Whether the probe on its way has been given up just now. */
  timedOut(nowMs: number): boolean {
    if (!this.#out || nowMs - this.#out.sentMs <= TIMEOUT_MS) return false
    this.#out = undefined
    return true
  }

  /**
   * Padding of the probe that is due, in bytes; undefined when none is. `silent`: the server owes answers, so the
   * question is only whether it is there. `idle`: no request is out that a large probe would hold up; where there always
   * is one, the rate is measured half as often.
   */
  due(nowMs: number, estimator: LinkEstimator, silent: boolean, idle: boolean): number | undefined {
    const { intervalMs, largeBytes } = this.#options
    if (this.#out || (intervalMs === 0 && !silent)) return undefined
    let wanted = silent ? 'small' : estimator.wantedProbe(nowMs, FRESH_MS)
    if (wanted === 'large' && !idle) wanted = estimator.wantedProbe(nowMs, 2 * FRESH_MS)
    if (!wanted) return undefined
    // Whoever wants no probes still needs one to hear that a silent server is back.
    const pauseMs = this.#sentHere < BURST ? 0 : intervalMs || TIMEOUT_MS
    if (nowMs - this.#lastMs < pauseMs) return undefined
    this.#lastMs = nowMs
    this.#sentHere++
    if (wanted === 'small') return 0
    const rateBps = estimator.estimate(nowMs)?.rateBps ?? Number.POSITIVE_INFINITY
    return Math.round(Math.min(largeBytes, Math.max(LEAST_LARGE_BYTES, (rateBps * LARGE_PROBE_MS) / 8000)))
  }

  sent(probe: SentProbe): void {
    this.#out = probe
  }

  /** The probe that an answer belongs to. */
  claim(id: number, echoUs: number): SentProbe | undefined {
    const probe = this.#out
    if (probe?.id !== id || probe.sentUs !== echoUs) return undefined
    this.#out = undefined
    return probe
  }
}
