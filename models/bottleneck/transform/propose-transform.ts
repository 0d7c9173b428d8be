import type { CutCost } from '../../onnx/index.ts'
import { bottleneckError } from '../errors.ts'
import type { Profile } from '../profile.ts'
import { type Candidate, unfitReason } from '../propose.ts'
import type { Teacher } from '../teacher.ts'

/** A device that does more than this of the work may as well do all of it. */
const LARGEST_SHARE = 0.5
/** Directions that are kept, of the channels that the map has: on Inception V3 more cost bytes, and its answers were no more alike. */
const KEPT_SHARE = 1 / 8
/** At eight rates their tables just fit into a manifest. */
const MOST_DIRECTIONS = 200

/** What sending the teacher's own map, transformed, comes to. */
export interface TransformPlan {
  readonly cut: CutCost
  readonly directions: number
}

/** Why the map at a cut cannot be sent; nothing has to be learned, so operators without a gradient are no reason. */
export const unsendableReason = (candidate: Candidate, side: number): string | undefined =>
  unfitReason({ ...candidate, obstacle: undefined }, side)

/**
 * Of the maps in the first half of the network the one with fewest values, and of those the first: the device does no more than it must. Without
 * one in the first half, the earliest. Throws CANNOT_BOTTLENECK.
 */
export function planTransform(
  { side, report }: Teacher,
  { candidates }: Profile,
  asked: { readonly cut: string | undefined; readonly channels: number | undefined },
): TransformPlan {
  const fit = candidates
    .filter((candidate) => unsendableReason(candidate, side) === undefined)
    .map(({ cut }) => cut)
  const at = asked.cut === undefined ? proposed(fit) : report.cuts.find(({ tensor }) => tensor === asked.cut)
  const offer =
    fit.length > 0
      ? `Cuts that do: ${fit.map(({ tensor }) => `"${tensor}"`).join(', ')}.`
      : 'No cut of this teacher does.'
  if (!at) {
    throw bottleneckError(
      'CANNOT_BOTTLENECK',
      asked.cut === undefined
        ? 'No single tensor of this teacher is a square map [1,C,H,W] at most half as large as the photo. isthmus-models inspect shows what there is.'
        : `"${asked.cut}" is no place to cut this teacher. ${offer}`,
    )
  }
  const reason = unsendableReason({ cut: at, headMs: 0, obstacle: undefined }, side)
  if (reason)
    throw bottleneckError(
      'CANNOT_BOTTLENECK',
      `"${at.tensor}" [${at.dims}] cannot be sent: ${reason}. ${offer}`,
    )
  const channels = at.dims[1]!
  const usual = Math.min(MOST_DIRECTIONS, Math.max(1, Math.ceil(channels * KEPT_SHARE)))
  return { cut: at, directions: Math.min(channels, asked.channels ?? usual) }
}

function proposed(cuts: readonly CutCost[]): CutCost | undefined {
  const early = cuts.filter(({ headShare }) => headShare <= LARGEST_SHARE)
  const pool = early.length > 0 ? early : cuts.slice(0, 1)
  const fewest = Math.min(...pool.map(({ uint8Bytes }) => uint8Bytes))
  const smallest = pool.filter(({ uint8Bytes }) => uint8Bytes === fewest)
  // An activation costs no multiply-adds, and what it leaves out need not be sent.
  const macs = Math.min(...smallest.map(({ headMacs }) => headMacs))
  return smallest.findLast(({ headMacs }) => headMacs === macs)
}
