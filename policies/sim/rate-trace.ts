import { policyError } from '../errors.ts'
import { optionChecks } from '../option-checks.ts'

/** A link's rate over time. Times ascend strictly from 0; the last sample lasts until `durationS`. */
export interface RateTrace {
  readonly atS: Float64Array
  readonly rateBps: Float64Array
  readonly durationS: number
}

/** `hold`: a sample's rate lasts until the next one. `linear`: the rate runs straight to the next one. */
export type Interpolation = 'hold' | 'linear'

/** What comes after the end: the trace from its start again, or its last rate for ever. */
export type AfterEnd = 'loop' | 'hold'

export interface TraceLinkOptions {
  readonly interpolation?: Interpolation
  readonly afterEnd?: AfterEnd
  /** Time of the trace at which the link starts, s. */
  readonly offsetS?: number
  /** Factor for all rates: downlink traces that stand for an uplink are scaled, and said to be. */
  readonly scale?: number
}

const { oneOf } = optionChecks('trace link')

/**
 * A link that replays a trace. By default a sample holds until the next and the trace starts again after its end, as
 * trace-driven work on adaptive streaming has it. With `linear` and `loop` the last sample's rate is kept to the end: a jump,
 * no slope, leads back to the first.
 */
export class TraceLink {
  private readonly trace: RateTrace
  private readonly linear: boolean
  private readonly loop: boolean
  private readonly offsetS: number
  private readonly scale: number
  /** Bits that had passed at each sample's time, unscaled, and in the whole trace. */
  private readonly passedBits: Float64Array
  private readonly totalBits: number

  /** Throws IsthmusError `BAD_OPTION`, and `BAD_TRACE` that names the sample of a trace that is none. */
  constructor(trace: RateTrace, options: TraceLinkOptions = {}) {
    const { interpolation = 'hold', afterEnd = 'loop', offsetS = 0, scale = 1 } = options
    if (!(offsetS >= 0 && offsetS < Infinity))
      throw policyError('BAD_OPTION', `trace link: offsetS is ${offsetS}`)
    if (!(scale > 0 && scale < Infinity)) throw policyError('BAD_OPTION', `trace link: scale is ${scale}`)
    oneOf('interpolation', interpolation, ['hold', 'linear'])
    oneOf('afterEnd', afterEnd, ['loop', 'hold'])
    checkTrace(trace)
    this.trace = trace
    this.linear = interpolation === 'linear'
    this.loop = afterEnd === 'loop'
    this.offsetS = offsetS
    this.scale = scale
    this.passedBits = new Float64Array(trace.atS.length)
    let bits = 0
    for (let at = 0; at < trace.atS.length; at++) {
      this.passedBits[at] = bits
      bits += this.bitsWithin(at, this.endOf(at) - trace.atS[at]!)
    }
    this.totalBits = bits
  }

  /** Rate at `nowS` after the link's start, bit/s. */
  rateAt(nowS: number): number {
    const time = this.foldedS(nowS + this.offsetS)
    return this.scale * this.rateWithin(this.sampleAt(time), time)
  }

  /** When the last of `bits` has passed if the first one starts at `startS`; `Infinity` for never. */
  finishS(startS: number, bits: number): number {
    const start = startS + this.offsetS
    const goal = this.bitsUntil(start) + bits / this.scale
    return Math.max(startS, this.timeOf(goal) - this.offsetS)
  }

  /** Bits that pass from the trace's start to `time`. */
  private bitsUntil(time: number): number {
    const { durationS } = this.trace
    if (time >= durationS && !this.loop) return this.totalBits + (time - durationS) * this.lastRate()
    const rounds = Math.floor(time / durationS)
    const within = Math.max(0, time - rounds * durationS)
    const at = this.sampleAt(within)
    return rounds * this.totalBits + this.passedBits[at]! + this.bitsWithin(at, within - this.trace.atS[at]!)
  }

  /** When that many bits have passed: the inverse of {@link bitsUntil}. */
  private timeOf(bits: number): number {
    const { durationS } = this.trace
    if (bits > this.totalBits && !this.loop) return durationS + (bits - this.totalBits) / this.lastRate()
    // Bits that end a sample, or a round, end there, not after the silence that may follow.
    const rounds = Math.max(0, Math.ceil(bits / this.totalBits) - 1)
    const within = bits - rounds * this.totalBits
    const at = Math.max(0, lastBelow(this.passedBits, within))
    return rounds * durationS + this.trace.atS[at]! + this.secondsWithin(at, within - this.passedBits[at]!)
  }

  private foldedS(time: number): number {
    const { durationS } = this.trace
    if (time < durationS) return time
    return this.loop ? time - Math.floor(time / durationS) * durationS : durationS
  }

  private sampleAt(time: number): number {
    const { atS } = this.trace
    let low = 0
    let high = atS.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (atS[middle]! <= time) low = middle
      else high = middle
    }
    return low
  }

  private rateWithin(at: number, time: number): number {
    const from = this.trace.rateBps[at]!
    return from + this.slope(at) * (time - this.trace.atS[at]!)
  }

  private slope(at: number): number {
    const { atS, rateBps } = this.trace
    if (!this.linear || at + 1 === atS.length) return 0
    return (rateBps[at + 1]! - rateBps[at]!) / (atS[at + 1]! - atS[at]!)
  }

  private bitsWithin(at: number, seconds: number): number {
    return seconds * (this.trace.rateBps[at]! + (this.slope(at) * seconds) / 2)
  }

  /** Time that a sample takes for its first `bits`: the smaller root of rate·t + slope·t²/2 = bits, in its stable form. */
  private secondsWithin(at: number, bits: number): number {
    if (bits <= 0) return 0
    const rate = this.trace.rateBps[at]!
    const root = Math.sqrt(Math.max(0, rate * rate + 2 * this.slope(at) * bits))
    return rate + root > 0 ? (2 * bits) / (rate + root) : Infinity
  }

  private endOf(at: number): number {
    return at + 1 < this.trace.atS.length ? this.trace.atS[at + 1]! : this.trace.durationS
  }

  private lastRate(): number {
    return this.trace.rateBps.at(-1)!
  }
}

/** Index of the last of ascending `values` that lies below `limit`; −1 for none. */
function lastBelow(values: Float64Array, limit: number): number {
  let low = -1
  let high = values.length
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (values[middle]! < limit) low = middle
    else high = middle
  }
  return low
}

/**
 * Throws IsthmusError `BAD_TRACE` unless times ascend strictly from 0 to below `durationS` and rates are numbers of at least 0, not
 * all of them 0.
 */
export function checkTrace({ atS, rateBps, durationS }: RateTrace, name = 'trace'): void {
  const bad = (what: string) => policyError('BAD_TRACE', `${name}: ${what}`)
  if (atS.length === 0) throw bad('atS is empty')
  if (rateBps.length !== atS.length) throw bad(`rateBps has ${rateBps.length} samples, atS ${atS.length}`)
  if (atS[0] !== 0) throw bad(`atS[0] is ${atS[0]}, not 0`)
  for (let at = 0; at < atS.length; at++) {
    if (at > 0 && !(atS[at]! > atS[at - 1]!)) throw bad(`atS[${at}] is ${atS[at]} after ${atS[at - 1]}`)
    if (!(rateBps[at]! >= 0 && rateBps[at]! < Infinity)) throw bad(`rateBps[${at}] is ${rateBps[at]}`)
  }
  if (!(durationS > atS[atS.length - 1]! && durationS < Infinity)) throw bad(`durationS is ${durationS}`)
  if (rateBps.every((rate) => rate === 0)) throw bad('all rates are 0: nothing can ever pass')
}

/** Mean rate over the whole trace in bit/s, each sample weighed by how long it holds. */
export function meanRateBps({ atS, rateBps, durationS }: RateTrace): number {
  let bits = 0
  for (let at = 0; at < atS.length; at++) bits += rateBps[at]! * ((atS[at + 1] ?? durationS) - atS[at]!)
  return bits / durationS
}
