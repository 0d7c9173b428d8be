import { DriftDetector, type DriftOptions } from './drift-detector.ts'
import type { LinkEstimate } from './plan.ts'
import { quantile } from './quantile.ts'
import { weightedMedian } from './weighted-median.ts'

/** One echo measured on the sender's clock. */
export interface LinkSample {
  readonly nowMs: number
  /** Bytes sent. */
  readonly bytes: number
  /** From sending to the answer's arrival, less the time the server says it held it, in ms. */
  readonly elapsedMs: number
  /** Samples with the same id replace each other: a timeout is a lower bound until the late answer comes. */
  readonly id?: number
}

export interface LinkEstimatorOptions {
  /** Newest samples of each size class that count. */
  readonly window?: number
  /** Samples older than this no longer count, in ms. */
  readonly maxAgeMs?: number
  /** Ceiling of the rate: on a fast link the size makes no measurable difference. In bit/s. */
  readonly maxRateBps?: number
  readonly drift?: DriftOptions
}

/** Large messages that still count after a drift. */
const AFTER_DRIFT = 5

/** Messages below this measure the round trip, the others the rate. */
const SMALL_BYTES = 256
/** Only messages so close to the newest count, but at least three: those of an hour ago would outvote what is true now. */
const TOGETHER_MS = 4000
const AT_LEAST = 3
/** Shorter ones leave the rate so vague that a probe is worth its bytes. */
const TELLING_BYTES = 512
/** A message that takes longer than twice its transfer time was held up by something else than the rate. */
const LARGEST_RATE_SPREAD = 1

/**
 * Fits T = rtt + 8·bytes / rate from echoes. Each small message and each large one give a slope, and the median slope, the
 * pairs weighted by how far their sizes are apart, is the rate (after Theil and Sen: a third of the samples may be nonsense). The
 * median of what the small ones leave over is the round trip. So a device whose frames are all of one size needs only
 * probes of another beside them: `wantedProbe` tells which size is missing. What the fit leaves over becomes `spreadMs`.
 */
export class LinkEstimator {
  readonly #window: number
  readonly #maxAgeMs: number
  readonly #maxRateBps: number
  #small: LinkSample[] = []
  #large: LinkSample[] = []
  readonly #detector: DriftDetector
  #drifts = 0
  #driftMs = Number.NEGATIVE_INFINITY
  readonly #bounds = new WeakSet<LinkSample>()
  #fit: LinkEstimate | undefined
  readonly #scratch: Scratch

  constructor(options: LinkEstimatorOptions = {}) {
    this.#window = options.window ?? 12
    const pairs = this.#window ** 2
    this.#scratch = { slopes: new Float64Array(pairs), weights: new Float64Array(pairs) }
    this.#maxAgeMs = options.maxAgeMs ?? 20_000
    this.#maxRateBps = options.maxRateBps ?? 1e9
    this.#detector = new DriftDetector(options.drift)
  }

  /** Takes one echo. Impossible ones (negative or non-finite) are ignored. */
  add(sample: LinkSample): void {
    if (!(sample.elapsedMs >= 0) || !Number.isFinite(sample.elapsedMs) || !(sample.bytes >= 0)) return
    if (sample.bytes < SMALL_BYTES) this.#small = this.#admit(this.#small, sample)
    else this.#addLarge(sample)
    this.#fit = undefined
  }

  /** The answer to message `id` is not there after `elapsedMs`: a lower bound, believed only if it is news. */
  addTimeout(sample: LinkSample): void {
    const link = this.estimate(sample.nowMs)
    if (link && sample.elapsedMs <= transferMs(link, sample.bytes)) return
    this.add(sample)
    this.#bounds.add(sample)
  }

  /** Takes back the timeouts that no late answer has replaced: it was not the link, the server had stalled. */
  forgetTimeouts(): void {
    const measured = (sample: LinkSample) => !this.#bounds.has(sample)
    this.#small = this.#small.filter(measured)
    this.#large = this.#large.filter(measured)
    this.#fit = undefined
  }

  /** The link now; undefined until both sizes have been measured recently. */
  estimate(nowMs: number): LinkEstimate | undefined {
    this.#forget(nowMs)
    if (this.#small.length === 0 || this.#large.length === 0) return undefined
    this.#fit ??= fit(newest(this.#small), newest(this.#large), this.#maxRateBps, this.#scratch)
    return this.#fit
  }

  /** How often the rate has left its level. */
  get drifts(): number {
    return this.#drifts
  }

  /** Which probe would help most: the size class with no sample newer than `freshMs` and the last drift, if any. */
  wantedProbe(nowMs: number, freshMs: number): 'small' | 'large' | undefined {
    const isFresh = (samples: LinkSample[]) => {
      const newestMs = samples.at(-1)?.nowMs ?? Number.NEGATIVE_INFINITY
      return nowMs - newestMs <= freshMs && newestMs >= this.#driftMs
    }
    if (!isFresh(this.#small)) return 'small'
    return isFresh(this.#large.filter(({ bytes }) => bytes >= TELLING_BYTES)) ? undefined : 'large'
  }

  /** Forgets everything: the way to the server is another one now. */
  reset(): void {
    this.#small = []
    this.#large = []
    this.#fit = undefined
  }

  /** Each large message against what was expected of it: when these leave their level, older ones do not count. */
  #addLarge(sample: LinkSample): void {
    const link = this.estimate(sample.nowMs)
    this.#large = this.#admit(this.#large, sample)
    if (!link || !this.#detector.add(sample.elapsedMs / transferMs(link, sample.bytes))) return
    this.#drifts++
    this.#driftMs = sample.nowMs
    this.#large = this.#large.slice(-AFTER_DRIFT)
  }

  #admit(samples: LinkSample[], sample: LinkSample): LinkSample[] {
    const others = sample.id === undefined ? samples : samples.filter(({ id }) => id !== sample.id)
    return [...others, sample].slice(-this.#window)
  }

  #forget(nowMs: number): void {
    const fresh = ({ nowMs: thenMs }: LinkSample) => nowMs - thenMs <= this.#maxAgeMs
    if (this.#small.every(fresh) && this.#large.every(fresh)) return
    this.#small = this.#small.filter(fresh)
    this.#large = this.#large.filter(fresh)
    this.#fit = undefined
  }
}

/** Expected time of one exchange over the link in ms, without the server's part and without the spread. */
export function transferMs(link: LinkEstimate, bytes: number): number {
  return link.rttMs + (8000 * bytes) / link.rateBps
}

/** Of each pair of a small and a large message; used again, since every answer makes a new fit. */
interface Scratch {
  readonly slopes: Float64Array
  readonly weights: Float64Array
}

function fit(
  small: readonly LinkSample[],
  large: readonly LinkSample[],
  maxRateBps: number,
  scratch: Scratch,
): LinkEstimate {
  const msPerByte = Math.max(medianSlope(small, large, scratch), 8000 / maxRateBps)
  const emptyMs = quantile(
    small.map(({ bytes, elapsedMs }) => elapsedMs - msPerByte * bytes),
    0.5,
  )
  const rttMs = Math.max(0, emptyMs)
  const residual = ({ bytes, elapsedMs }: LinkSample) => elapsedMs - rttMs - msPerByte * bytes
  const atWorst = (values: number[]) => Math.max(0, quantile(values, 0.9))
  const jitterMs = atWorst(small.map(residual))
  const sendMs = quantile(
    large.map(({ bytes }) => msPerByte * bytes),
    0.5,
  )
  const share = atWorst(large.map((sample) => residual(sample) / (msPerByte * sample.bytes)))
  // Variances add up: the rate's is what large messages vary more than small ones. On a fast link all is jitter.
  const rateSpread = Math.min(
    LARGEST_RATE_SPREAD,
    Math.sqrt(Math.max(0, share ** 2 - (jitterMs / sendMs) ** 2)),
  )
  const unexplained = large.map((sample) => residual(sample) - rateSpread * msPerByte * sample.bytes)
  return { rateBps: 8000 / msPerByte, rttMs, spreadMs: Math.max(jitterMs, atWorst(unexplained)), rateSpread }
}

function newest(samples: readonly LinkSample[]): readonly LinkSample[] {
  const sinceMs = samples.at(-1)!.nowMs - TOGETHER_MS
  return samples.filter(({ nowMs }, at) => nowMs >= sinceMs || at >= samples.length - AT_LEAST)
}

/** In ms per byte, over all pairs of a small and a large message. */
function medianSlope(small: readonly LinkSample[], large: readonly LinkSample[], scratch: Scratch): number {
  let pairs = 0
  for (const one of small) {
    for (const other of large) {
      const weight = other.bytes - one.bytes
      scratch.weights[pairs] = weight
      scratch.slopes[pairs++] = (other.elapsedMs - one.elapsedMs) / weight
    }
  }
  return weightedMedian(scratch.slopes, scratch.weights, pairs)
}
