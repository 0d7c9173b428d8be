import type { RandomStream } from '../random-stream.ts'
import type { ServerSettings } from './split-options.ts'

/**
 * A server that works off its jobs first come, first served: one device's frames among those of others. The others' jobs of an episode
 * are drawn beforehand, so no decision of the device changes them. Times are seconds of the episode.
 */
export class SharedServer {
  readonly settings: ServerSettings
  /** Of this episode. */
  speed = 1
  rttS = 0
  /** When each worker has done all that it took. */
  private readonly freeS: Float64Array
  private readonly imaginedS: Float64Array
  /** The others' jobs, by time. */
  private jobAtS = new Float64Array(256)
  private jobS = new Float64Array(256)
  private jobs = 0
  private next = 0
  /** Whether the jobs are another server's, too. */
  private isShared = false

  constructor(settings: ServerSettings) {
    this.settings = settings
    this.freeS = new Float64Array(settings.workers)
    this.imaginedS = new Float64Array(settings.workers)
  }

  /** Draws the others' jobs until `untilS`, and empties the server. */
  begin(random: RandomStream, untilS: number): void {
    const { load, workers, spellS, jobS } = this.settings
    this.freeS.fill(0)
    this.jobs = this.next = 0
    if (this.isShared) {
      this.jobAtS = new Float64Array(256)
      this.jobS = new Float64Array(256)
      this.isShared = false
    }
    for (let startS = 0; startS < untilS; ) {
      const share = typeof load === 'number' ? load : random.between(load[0], load[1])
      const endS = Math.min(untilS, startS + random.exponential(spellS))
      const gapS = jobS / (share * workers)
      for (let atS = startS + random.exponential(gapS); atS < endS; atS += random.exponential(gapS)) {
        this.add(atS, random.exponential(jobS))
      }
      startS = endS
    }
  }

  /** Takes over another server's state; what the others will do is the same for both. */
  copyFrom(other: SharedServer): void {
    this.speed = other.speed
    this.rttS = other.rttS
    this.freeS.set(other.freeS)
    this.jobAtS = other.jobAtS
    this.jobS = other.jobS
    this.jobs = other.jobs
    this.next = other.next
    this.isShared = true
  }

  /**
   * A frame comes at `atS`, no earlier than any before it, and needs `serviceS`. Returns when it is done; `Infinity` when it could not be
   * begun by `expiryS`: then it is thrown away.
   */
  take(atS: number, serviceS: number, expiryS: number): number {
    this.advance(atS)
    return place(this.freeS, atS, serviceS, expiryS)
  }

  /** What {@link take} would return, without taking the frame. */
  foresee(atS: number, serviceS: number, expiryS: number): number {
    this.imaginedS.set(this.freeS)
    this.work(this.imaginedS, this.next, atS)
    return place(this.imaginedS, atS, serviceS, expiryS)
  }

  /** How long a job that comes at `atS` would wait; `atS` must not lie before what was already told. */
  waitAt(atS: number): number {
    this.advance(atS)
    return Math.max(0, this.freeS[earliest(this.freeS)]! - atS)
  }

  private advance(untilS: number): void {
    this.next = this.work(this.freeS, this.next, untilS)
  }

  /** Gives the others' jobs that come before `untilS` to workers; returns the first that does not. */
  private work(freeS: Float64Array, from: number, untilS: number): number {
    let at = from
    for (; at < this.jobs && this.jobAtS[at]! < untilS; at++) {
      place(freeS, this.jobAtS[at]!, this.jobS[at]!, Infinity)
    }
    return at
  }

  private add(atS: number, jobS: number): void {
    if (this.jobs === this.jobAtS.length) {
      const longer = (old: Float64Array) => {
        const grown = new Float64Array(2 * old.length)
        grown.set(old)
        return grown
      }
      this.jobAtS = longer(this.jobAtS)
      this.jobS = longer(this.jobS)
    }
    this.jobAtS[this.jobs] = atS
    this.jobS[this.jobs++] = jobS
  }
}

function place(freeS: Float64Array, atS: number, serviceS: number, expiryS: number): number {
  const worker = earliest(freeS)
  const startS = Math.max(atS, freeS[worker]!)
  if (startS >= expiryS) return Infinity
  freeS[worker] = startS + serviceS
  return startS + serviceS
}

function earliest(freeS: Float64Array): number {
  let best = 0
  for (let worker = 1; worker < freeS.length; worker++) if (freeS[worker]! < freeS[best]!) best = worker
  return best
}
