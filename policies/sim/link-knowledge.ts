/** Time in which what was measured of the rate loses weight by a factor e, s. */
const MEMORY_S = 3
/** Weight of the newest sample in averages of deviations. */
const NEWEST = 0.15
/** A logistic distribution's 0.9 quantile lies so many mean deviations above its median. */
export const UPPER_DEVIATIONS = 1.58
const HIGHEST_BPS = 1e9
const LOWEST_BPS = 100

/** What a device knows of its uplink from past transfers: bits over seconds, older ones counting less and less. */
export class LinkKnowledge {
  rateBps = 1
  /** Mean of how far a transfer's time was from the expected one, as a share of that. */
  deviation = 0
  measuredS = 0
  private bits = 0
  private seconds = 0

  copyFrom(other: LinkKnowledge): void {
    this.rateBps = other.rateBps
    this.deviation = other.deviation
    this.measuredS = other.measuredS
    this.bits = other.bits
    this.seconds = other.seconds
  }

  /** The first measurement. */
  begin(nowS: number, bits: number, seconds: number): void {
    this.bits = this.seconds = 0
    this.deviation = 0.2
    this.count(nowS, bits, seconds)
  }

  /** A transfer of `bits` took `seconds`, give or take the jitter of the round trip. */
  measure(nowS: number, bits: number, seconds: number): void {
    const expectedS = bits / this.rateBps
    const surprise = Math.min(2, Math.abs(seconds - expectedS) / expectedS)
    // Short messages tell of the jitter rather than of the rate.
    const weight = NEWEST * Math.min(1, bits / 4000)
    this.deviation += weight * (surprise - this.deviation)
    this.count(nowS, bits, seconds)
  }

  /** A transfer of `bits` was not done after `seconds`: believed if it is news. */
  measureBound(nowS: number, bits: number, seconds: number): void {
    if (seconds > bits / this.rateBps) this.measure(nowS, bits, seconds)
  }

  private count(nowS: number, bits: number, seconds: number): void {
    const keep = Math.exp(-Math.max(0, nowS - this.measuredS) / MEMORY_S)
    this.bits = keep * this.bits + bits
    this.seconds = keep * this.seconds + seconds
    const leastS = this.bits / HIGHEST_BPS
    this.rateBps = Math.max(LOWEST_BPS, this.bits / Math.max(leastS, this.seconds))
    this.measuredS = nowS
  }
}

/** What a device knows of one server, from its reports and its answers. */
export class ServerKnowledge {
  /** Wait that the newest report told of, s, and when the server measured it. */
  waitS = 0
  measuredS = 0
  /** Means of the waits reported and of how far each was from the one before. */
  meanWaitS = 0
  deviationS = 0
  /** Mean round trip of an empty message, and its mean deviation. */
  rttS = 0
  rttDeviationS = 0

  copyFrom(other: ServerKnowledge): void {
    Object.assign(this, other)
  }

  begin(rttS: number): void {
    this.waitS = this.measuredS = this.meanWaitS = this.deviationS = this.rttDeviationS = 0
    this.rttS = rttS
  }

  report(measuredS: number, waitS: number): void {
    if (measuredS < this.measuredS) return
    this.deviationS += NEWEST * (Math.abs(waitS - this.waitS) - this.deviationS)
    this.meanWaitS += NEWEST * (waitS - this.meanWaitS)
    this.waitS = waitS
    this.measuredS = measuredS
  }

  /** No answer came: a frame waits at least this long. */
  reportBound(measuredS: number, waitS: number): void {
    if (waitS > this.waitS) this.report(measuredS, waitS)
  }

  roundTrip(rttS: number): void {
    this.rttDeviationS += NEWEST * (Math.abs(rttS - this.rttS) - this.rttDeviationS)
    this.rttS += NEWEST * (rttS - this.rttS)
  }
}
