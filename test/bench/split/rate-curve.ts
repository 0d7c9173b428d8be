/** One quality setting of a codec, or one mode: what a frame takes, and how often the answer is right (or agreed with), %. */
export interface RatePoint {
  readonly bytes: number
  readonly score: number
}

/**
 * The least bytes with which a curve reaches `score`: between neighbouring points the score is taken as linear in the logarithm of the
 * bytes. Points need no order, and a curve that falls again is followed from its cheapest end. A score below the whole curve costs its
 * cheapest point: nothing is made up beyond what was measured. Undefined when the curve never gets there.
 */
export function bytesNeeded(curve: readonly RatePoint[], score: number): number | undefined {
  const points = [...curve].sort((a, b) => a.bytes - b.bytes || b.score - a.score)
  const at = points.findIndex((point) => point.score >= score)
  if (at < 0) return undefined
  const [above, below] = [points[at]!, points[at - 1]]
  if (!below) return above.bytes
  const share = (score - below.score) / (above.score - below.score)
  return below.bytes * (above.bytes / below.bytes) ** share
}

/** The curve that reaches `score` with the fewest bytes, or undefined when none does. */
export function cheapest(
  curves: Readonly<Record<string, readonly RatePoint[]>>,
  score: number,
): { readonly name: string; readonly bytes: number } | undefined {
  let best: { name: string; bytes: number } | undefined
  for (const [name, curve] of Object.entries(curves)) {
    const bytes = bytesNeeded(curve, score)
    if (bytes !== undefined && !(best && best.bytes <= bytes)) best = { name, bytes }
  }
  return best
}
