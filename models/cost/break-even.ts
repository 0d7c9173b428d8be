/** Time of one way to answer as a function of the rate R: `fixedMs + 8000·bytes / R`. */
export interface CostLine {
  /** Everything that does not depend on the rate (compute on both sides, round trip), in ms. */
  readonly fixedMs: number
  /** Bytes on the wire. */
  readonly bytes: number
}

/** Time in ms at `rateBps` (bit/s). A line with bytes takes forever at rate 0. */
export function costMs(line: CostLine, rateBps: number): number {
  return line.bytes === 0 ? line.fixedMs : line.fixedMs + (8000 * line.bytes) / rateBps
}

/**
 * The rate in bit/s at which both ways take the same time: the one with more bytes wins above it, the other
 * below. Undefined when one of them wins at every rate (or they are equal everywhere).
 * From equating fixed_a + 8·S_a / R = fixed_b + 8·S_b / R.
 */
export function breakEvenRate(a: CostLine, b: CostLine): number | undefined {
  const rateBps = (8000 * (a.bytes - b.bytes)) / (b.fixedMs - a.fixedMs)
  return rateBps > 0 && Number.isFinite(rateBps) ? rateBps : undefined
}

/** From `fromBps` (inclusive) up to the next entry's, the line with this index is the fastest. */
export interface Winner {
  readonly index: number
  readonly fromBps: number
}

/**
 * The fastest way at every rate, slowest rates first; ties go to fewer bytes. Times are affine in 1/R, so this
 * is the lower envelope of lines: n ways have at most n − 1 thresholds.
 */
export function winnerMap(lines: readonly CostLine[]): Winner[] {
  if (lines.length === 0) return []
  const winners: Winner[] = []
  let index = bestAtZero(lines)
  let fromBps = 0
  for (;;) {
    winners.push({ index, fromBps })
    let next: Winner | undefined
    for (const [other, line] of lines.entries()) {
      // Only a line with more bytes and less fixed time can take over as the rate grows.
      if (line.bytes <= lines[index]!.bytes || line.fixedMs >= lines[index]!.fixedMs) continue
      const rateBps = breakEvenRate(lines[index]!, line)!
      const steeper = next && rateBps === next.fromBps && line.fixedMs < lines[next.index]!.fixedMs
      if (!next || rateBps < next.fromBps || steeper) next = { index: other, fromBps: rateBps }
    }
    if (!next) return winners
    ;({ index, fromBps } = next)
  }
}

/** As R goes to 0 only the bytes count, then the fixed time. */
function bestAtZero(lines: readonly CostLine[]): number {
  let best = 0
  for (const [index, line] of lines.entries()) {
    const { bytes, fixedMs } = lines[best]!
    if (line.bytes < bytes || (line.bytes === bytes && line.fixedMs < fixedMs)) best = index
  }
  return best
}
