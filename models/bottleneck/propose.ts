import type { CutCost } from '../onnx/index.ts'

/** A cut with what is known of it. */
export interface Candidate {
  readonly cut: CutCost
  /** Time from the input to the cut, here, ms; the rest of the teacher takes the rest of `wholeMs`. */
  readonly headMs: number
  /** The first operator behind it that has no gradient. */
  readonly obstacle: string | undefined
}

/** A map finer than the photo divided by this is kept as one to rebuild. */
const COARSEST = 9
const LEAST_SIDE = 4

/** A decoder can stand in for the beginning of a network, not for most of it. */
const LARGEST_SHARE = 0.5

/** Why no bottleneck can replace what lies in front of this cut; undefined when one can. */
export function unfitReason({ cut, obstacle }: Candidate, side: number): string | undefined {
  const [batch, , height, width] = cut.dims
  if (cut.dims.length !== 4 || batch !== 1 || cut.dtype !== 'float32') return 'no float32 map [1,C,H,W]'
  if (height !== width) return 'not square'
  if (height! < LEAST_SIDE) return 'nothing of the picture is left'
  if (2 * height! > side) return 'as large as the photo'
  return obstacle && `no gradient through ${obstacle}`
}

/**
 * The cut to put the bottleneck in place of: of the maps that a decoder can rebuild (early enough in the network, no coarser than a ninth of
 * the photo) the one that takes fewest bytes, and of those the one that is reached first, since it is the easiest to imitate. Without such a map,
 * the finest that is left. Undefined when no cut will do.
 */
export function proposedCut(candidates: readonly Candidate[], side: number): Candidate | undefined {
  const fit = candidates.filter((candidate) => unfitReason(candidate, side) === undefined)
  const map = ({ cut }: Candidate) => cut.dims[2]!
  const early = fit.filter(({ cut }) => cut.headShare <= LARGEST_SHARE)
  const wellSized = early.filter((candidate) => map(candidate) * COARSEST >= side)
  const pool = wellSized.length > 0 ? wellSized : early.length > 0 ? early : fit
  const fewest = Math.min(...pool.map(({ cut }) => cut.uint8Bytes))
  const small = pool.filter(({ cut }) => cut.uint8Bytes === fewest)
  // An activation costs no multiply-adds: behind it values are easier to imitate than in front of it.
  const macs = Math.min(...small.map(({ cut }) => cut.headMacs))
  return small.findLast(({ cut }) => cut.headMacs === macs)
}

/** How much of the teacher may be run between the cut and the point up to which stage 1 follows it. */
const FOLLOWED_SHARE = 0.2

/**
 * Where stage 1 compares student and teacher: at the cut, and at the last map that is not far behind it, so that errors count by what the teacher
 * makes of them.
 */
export function matchedCuts(cuts: readonly CutCost[], at: CutCost): CutCost[] {
  const later = cuts.filter(
    (cut) =>
      cut.headMacs > at.headMacs && cut.headShare - at.headShare <= FOLLOWED_SHARE && cut.dtype === 'float32',
  )
  const last = later.at(-1)
  return last ? [at, last] : [at]
}
