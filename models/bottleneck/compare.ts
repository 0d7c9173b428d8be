import type { WayResult } from './evaluate.ts'

/**
 * The bytes that a family needs for an agreement: between the two measured points around it, on a line in the logarithm of the bytes. Points that
 * another of the family beats are passed over. Undefined when the family does not reach it, or starts above it.
 */
export function bytesAt(points: readonly WayResult[], agreement: number): number | undefined {
  const rising = frontier(points)
  const above = rising.findIndex((point) => point.agreement >= agreement)
  if (above < 0) return undefined
  const high = rising[above]!
  if (high.agreement === agreement) return high.bytes
  const low = rising[above - 1]
  if (!low) return undefined
  const share = (agreement - low.agreement) / (high.agreement - low.agreement)
  return low.bytes * (high.bytes / low.bytes) ** share
}

/** The points that no other beats in both, by rising bytes. */
export function frontier(points: readonly WayResult[]): WayResult[] {
  let best = -1
  return [...points]
    .sort((a, b) => a.bytes - b.bytes || b.agreement - a.agreement)
    .filter((point) => {
      if (point.agreement <= best) return false
      best = point.agreement
      return true
    })
}

export interface CodecRatio {
  /** Our mode. */
  readonly mode: WayResult
  /** The codec that needs fewest bytes for the same agreement. */
  readonly family: string
  readonly codecBytes: number
  /** Its bytes ÷ ours. */
  readonly ratio: number
}

/** For each of our modes, what the best codec needs for the same agreement; modes whose agreement no codec's curve passes are left out. */
export function codecRatios(ways: readonly WayResult[]): CodecRatio[] {
  const families = [...new Set(ways.map((way) => way.family))].filter((family) => family !== 'split')
  return frontier(ways.filter((way) => way.family === 'split')).flatMap((mode) => {
    const rivals = families.flatMap((family) => {
      const needed = bytesAt(
        ways.filter((way) => way.family === family),
        mode.agreement,
      )
      return needed === undefined ? [] : [{ family, needed }]
    })
    const best = rivals.reduce<(typeof rivals)[number] | undefined>(
      (a, b) => (a && a.needed <= b.needed ? a : b),
      undefined,
    )
    return best
      ? [{ mode, family: best.family, codecBytes: best.needed, ratio: best.needed / mode.bytes }]
      : []
  })
}

/** Whether for each of our modes some codec's point sends no more and agrees at least as often: then a bottleneck does not pay yet. */
export function isBeatenEverywhere(ways: readonly WayResult[]): boolean {
  const rivals = ways.filter((way) => way.family !== 'split')
  return ways
    .filter((way) => way.family === 'split')
    .every((mode) => rivals.some((rival) => rival.bytes <= mode.bytes && rival.agreement >= mode.agreement))
}
