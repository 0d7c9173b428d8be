import { type Bundle, type HeadRole, withoutDominated } from '@isthmus/models/bundle'
import { type Part, unreached } from '../part.ts'
import type { Detail } from '../suite.ts'
import { type Hits, hitsOf, percentage } from './classify.ts'
import { encoderBytes, type HeadCost, headCosts } from './encoder-cost.ts'
import { accuracyInterval, drop, keptClaim, stated } from './networks.ts'
import { pickledBytes } from './pickled-bytes.ts'
import { headOf, type SplitMode, splitModes } from './split-modes.ts'
import { type SplitRun, splitRuns } from './split-runs.ts'
import type { World } from './world.ts'

/** How far below the teacher, in points, still counts as its accuracy. */
const ALLOWED_DROP = 0.6

/** A mode of the bundle and what it did on the test images. */
export interface OperatingPoint extends SplitRun {
  readonly name: string
  readonly hits: Hits
  readonly top1: number
  readonly dropPts: number
  readonly meanBytes: number
  readonly cost: HeadCost
}

export const mean = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((sum, value) => sum + value, 0) / values.length

const isPlain8 = ({ quantizer }: SplitMode): boolean => quantizer.bits === 8 && quantizer.kind !== 'entropy'

/** Every split mode of the bundle, and BottleFit as published (8 bits, no entropy coding: CR+BQ), on all test images. */
export async function measureOperatingPoints(
  world: World,
  teacher: Hits,
): Promise<Part & { points: OperatingPoint[]; plain: OperatingPoint }> {
  const { bundle, published, pictures, threads, quick } = world
  const modes = splitModes(bundle)
  const plainMode = splitModes(published).find(isPlain8)
  if (!plainMode) throw new Error(`Bundle ${published.id} has no split mode of 8 bits.`)
  world.say(`classifying ${pictures.length} test images in ${modes.length + 1} split modes`)
  const measured = async (own: Bundle, of: readonly SplitMode[]) => {
    const costs = headCosts(own)
    return (await splitRuns(own, of, pictures, threads)).map((run) => pointOf(run, world, teacher, costs))
  }
  const points = await measured(bundle, modes)
  const [plain] = (await measured(published, [plainMode])) as [OperatingPoint]
  const fall = drop(teacher, plain.hits)
  const plainInterval = accuracyInterval(plain.hits)
  const claim = stated(plain.mode.accuracy)
  const least = leastBytes(points)
  return {
    points,
    plain,
    figures: {
      studentTop1: plain.top1,
      payloadBytes: plain.bytes.reduce((most, bytes) => Math.max(most, bytes), 0),
      studentDropPts: fall.points,
      ...('figures' in least ? least.figures : {}),
      ...ratesOf(points),
    },
    missing: { ...least.missing },
    verdicts: {
      ...least.verdicts,
      ...(quick && {
        studentTop1: keptClaim(plainInterval, claim),
        studentDropPts: null,
        bytesAtMinus0_6: null,
      }),
    },
    detail: {
      pointIntervals95: { studentTop1: plainInterval, studentDropPts: fall.interval95 },
      modes: Object.fromEntries(
        points.map((point) => [point.name, described(point, teacher, encoderBytes(headCosts(bundle)))]),
      ),
    },
  }
}

function pointOf(
  run: SplitRun,
  { labels }: World,
  teacher: Hits,
  costs: ReadonlyMap<HeadRole, HeadCost>,
): OperatingPoint {
  const hits = hitsOf(run.classes, labels)
  return {
    ...run,
    name: run.mode.name,
    hits,
    top1: percentage(hits),
    dropPts: drop(teacher, hits).points,
    meanBytes: mean(run.bytes),
    cost: costs.get(headOf(run.mode))!,
  }
}

/** The cheapest point that is nearly as good as the teacher, if one is. */
export function cheapestNearTeacher(points: readonly OperatingPoint[]): OperatingPoint | undefined {
  const near = points.filter(({ dropPts }) => dropPts <= ALLOWED_DROP)
  return near.sort((a, b) => a.meanBytes - b.meanBytes)[0]
}

function leastBytes(points: readonly OperatingPoint[]): Part {
  const near = cheapestNearTeacher(points)
  if (near) return { figures: { bytesAtMinus0_6: near.meanBytes } }
  const best = points.reduce((a, b) => (b.top1 > a.top1 ? b : a))
  const why = `no mode is within ${ALLOWED_DROP} points of the teacher: the most accurate, ${best.name}, is ${best.dropPts.toFixed(2)} below it at ${best.meanBytes.toFixed(1)} bytes`
  return unreached('bytesAtMinus0_6', why)
}

/** Modes that are worth having, by what was measured, and the widths among them. */
function ratesOf(points: readonly OperatingPoint[]): { ratePoints: number; computePoints: number } {
  const priced = points.map(({ top1, meanBytes, cost }) => ({
    accuracy: top1,
    payloadBytes: meanBytes,
    headMacs: cost.macs,
  }))
  const kept = withoutDominated(priced)
  return { ratePoints: kept.length, computePoints: new Set(kept.map(({ headMacs }) => headMacs)).size }
}

function described(point: OperatingPoint, teacher: Hits, encoderSize: number): Detail {
  const { mode, top1, meanBytes, hits, bytes, cost } = point
  const { points: dropPts, interval95 } = drop(teacher, hits)
  return {
    bits: mode.quantizer.bits,
    head: headOf(mode),
    headMacsM: cost.macs / 1e6,
    top1,
    dropPts,
    dropInterval95: interval95,
    meanPayloadBytes: meanBytes,
    payloadBytes: bytes.reduce((most, value) => Math.max(most, value), 0),
    meanPickledBytes: mean(Array.from(bytes, pickledBytes)),
    // Encoder size × data size, kB²: SC2's ExR-D.
    exrdKB2: (encoderSize / 1000) * (meanBytes / 1000),
  }
}
