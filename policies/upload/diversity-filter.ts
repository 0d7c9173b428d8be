/** How much of the mean answer each kept batch replaces. */
const RENEWED = 0.1

/**
 * Keeps answers that are unlike those kept before: |cos(p, m)| < margin, strictly, with m the moving mean of kept answers. The first
 * batch passes whole and is m. The filter of ETA and EATA (Niu et al., ICML 2022), which CEMA's released code uses.
 */
export class DiversityFilter {
  readonly #margin: number
  #mean: Float64Array | undefined

  constructor(margin: number) {
    this.#margin = margin
  }

  /** Which of a batch of probability vectors are kept. A batch of which none is kept changes nothing. */
  keep(batch: readonly Float32Array[]): boolean[] {
    const mean = this.#mean
    const kept = batch.map((answer) => mean === undefined || Math.abs(cosine(answer, mean)) < this.#margin)
    const among = batch.filter((_, at) => kept[at])
    if (among.length === 0) return kept
    const centre = meanOf(among)
    this.#mean = mean ? mean.map((value, at) => (1 - RENEWED) * value + RENEWED * centre[at]!) : centre
    return kept
  }
}

function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [product, aa, bb] = [0, 0, 0]
  for (let at = 0; at < a.length; at++) {
    product += a[at]! * b[at]!
    aa += a[at]! ** 2
    bb += b[at]! ** 2
  }
  return product / Math.max(Number.MIN_VALUE, Math.sqrt(aa * bb))
}

function meanOf(rows: readonly Float32Array[]): Float64Array {
  const mean = new Float64Array(rows[0]!.length)
  for (const row of rows) for (let at = 0; at < row.length; at++) mean[at]! += row[at]! / rows.length
  return mean
}
