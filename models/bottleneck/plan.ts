import { type CutCost, inspectModel } from '../onnx/index.ts'
import { sortNodes } from '../onnx/order.ts'
import { plannedSeconds, planSteps, type StepWork, secondsPerPhoto } from './budget.ts'
import type { DistillationSettings } from './distil.ts'
import { bottleneckError } from './errors.ts'
import { type PairShape, pairShape } from './geometry.ts'
import { gradientObstacles, nameObstacle, obstaclesBehind } from './obstacles.ts'
import type { Profile } from './profile.ts'
import { matchedCuts, proposedCut, unfitReason } from './propose.ts'
import { headModel, tailModel } from './student-models.ts'
import type { Point } from './targets.ts'
import type { Teacher } from './teacher.ts'

/** What a run will do. */
export interface Plan {
  readonly cut: CutCost
  /** The cut, and the later points at which student and teacher are compared. */
  readonly points: readonly Point[]
  readonly shape: PairShape
  readonly encoder: { readonly macs: number; readonly parameters: number }
  readonly decoder: { readonly macs: number }
  readonly work: StepWork
}

export interface PlanRequest {
  /** Undefined: the proposed one. */
  readonly cut: string | undefined
  /** Of the latent. Undefined: as many as its stride deserves. */
  readonly channels: number | undefined
}

/** Chooses the cut, the points and the sizes. Throws CANNOT_BOTTLENECK, NO_GRADIENT (naming the operator and the cuts behind it). */
export function planPair(teacher: Teacher, profile: Profile, { cut, channels }: PlanRequest): Plan {
  const at = cut === undefined ? proposed(teacher, profile) : chosen(teacher, profile, cut)
  const [, mapChannels, mapSide] = at.dims as [number, number, number]
  const shape = pairShape(teacher.side, { channels: mapChannels, side: mapSide }, channels)
  const matched = matchedCuts(teacher.report.cuts, at)
  const encoder = inspectModel(headModel(teacher, shape, new Map()))
  const latent = [1, shape.latent.channels, shape.latent.side, shape.latent.side]
  const tail = inspectModel(tailModel(teacher, at.tensor, shape, true, new Map()), { latent })
  const behind = teacher.report.macs - at.headMacs
  return {
    cut: at,
    points: matched.map(({ tensor, dims }) => ({ tensor, dims: dims.slice(1) })),
    shape,
    encoder: { macs: encoder.macs, parameters: encoder.parameters },
    decoder: { macs: tail.macs - behind },
    work: {
      pair: encoder.macs + tail.macs - behind,
      followed: matched.at(-1)!.headMacs - at.headMacs,
      tail: behind,
      whole: teacher.report.macs,
    },
  }
}

/** Steps for a time budget, and how long they will take. */
export function planTime(
  { work }: Plan,
  wholeMs: number,
  photos: number,
  viewsPerPhoto: number,
  wanted: { readonly minutes: number } | DistillationSettings,
): { settings: DistillationSettings; seconds: number } {
  const each = secondsPerPhoto(work, wholeMs)
  const settings = 'minutes' in wanted ? planSteps(each, 60 * wanted.minutes, photos, viewsPerPhoto) : wanted
  return { settings, seconds: plannedSeconds(each, settings, photos * viewsPerPhoto) }
}

function proposed(teacher: Teacher, { candidates }: Profile): CutCost {
  const best = proposedCut(candidates, teacher.side)
  if (best) return best.cut
  const obstacles = gradientObstacles(teacher.model.graph)
  const last = obstacles.at(-1)
  throw last
    ? bottleneckError(
        'NO_GRADIENT',
        `No gradient comes through ${nameObstacle(last)}, and behind it there is no map to put a bottleneck in place of. Export the teacher without it.`,
      )
    : bottleneckError(
        'CANNOT_BOTTLENECK',
        'No single tensor of this teacher is a square map [1,C,H,W] at most half as large as the photo. isthmus-models inspect shows what there is.',
      )
}

function chosen(teacher: Teacher, { candidates }: Profile, tensor: string): CutCost {
  const { report, model, side } = teacher
  const fit = candidates
    .filter((candidate) => unfitReason(candidate, side) === undefined)
    .map((each) => each.cut.tensor)
  const offer =
    fit.length > 0
      ? `Cuts that do: ${fit.map((name) => `"${name}"`).join(', ')}.`
      : 'No cut of this teacher does.'
  const cut = report.cuts.find((each) => each.tensor === tensor)
  if (!cut)
    throw bottleneckError('CANNOT_BOTTLENECK', `"${tensor}" is no place to cut this teacher. ${offer}`)
  const [obstacle] = obstaclesBehind(sortNodes(model.graph.nodes), gradientObstacles(model.graph), tensor)
  if (obstacle) {
    throw bottleneckError(
      'NO_GRADIENT',
      `Behind "${tensor}" no gradient comes through ${nameObstacle(obstacle)}. ${offer}`,
    )
  }
  const reason = unfitReason({ cut, headMs: 0, obstacle: undefined }, side)
  if (reason)
    throw bottleneckError(
      'CANNOT_BOTTLENECK',
      `No bottleneck can end in "${tensor}" [${cut.dims}]: ${reason}. ${offer}`,
    )
  return cut
}
