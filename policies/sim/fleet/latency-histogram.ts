const SHORTEST_S = 1e-7
const BINS_PER_E = 200
const LOG_SHORTEST = Math.log(SHORTEST_S)
/** Up to 1e8 s. */
const BINS = Math.ceil(BINS_PER_E * (Math.log(1e8) - LOG_SHORTEST)) + 1

/** Times in bins half a percent wide: quantiles of any number of them in constant space. */
export class LatencyHistogram {
  count = 0
  private sumS = 0
  private readonly bins = new Float64Array(BINS)

  add(seconds: number): void {
    const bin = (BINS_PER_E * (Math.log(seconds) - LOG_SHORTEST)) | 0
    this.bins[bin < 0 ? 0 : bin < BINS ? bin : BINS - 1]!++
    this.count++
    this.sumS += seconds
  }

  /** Exact but for rounding; NaN for none. */
  get meanS(): number {
    return this.sumS / this.count
  }

  /** To within half a percent; NaN for none. */
  quantileS(share: number): number {
    if (this.count === 0) return Number.NaN
    const rank = share * this.count
    let below = 0
    for (let bin = 0; bin < BINS; bin++) {
      below += this.bins[bin]!
      if (below >= rank) return Math.exp(LOG_SHORTEST + (bin + 0.5) / BINS_PER_E)
    }
    return Math.exp(LOG_SHORTEST + BINS / BINS_PER_E)
  }
}
