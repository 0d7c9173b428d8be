import { type Part, unreached } from '../part.ts'
import { type Hits, openNetwork, percentage } from './classify.ts'
import {
  type CodecCurve,
  type CodecPoint,
  codecCurves,
  compareAll,
  describedCurves,
} from './codec-comparison.ts'
import {
  avifSettings,
  jpegSettings,
  losslessWebp,
  standardJpeg,
  webpSettings,
} from './codecs/image-codecs.ts'
import { mean, type OperatingPoint } from './operating-points.ts'
import type { World } from './world.ts'

/** Qualities from where the teacher is nearly as good as on the pictures themselves to where it is 30 points worse. */
const QUALITIES = {
  jpeg: [40, 60, 80, 90, 94, 97, 100],
  webp: [20, 50, 75, 86, 92, 96, 99],
  avif: [45, 60, 75, 85, 92, 97],
}
/** What a quick run tries of them. */
const QUICK = [1, 3, 5]

/** AVIF's effort where pictures are this small. */
const AVIF_EFFORT = 2

/** Range of the comparison: points below the teacher. */
const RANGE = { from: 0.6, to: 5 }

/** JPEG, WebP and AVIF followed by the teacher, against our operating points on the same pictures. */
export async function measureCifarCodecs(
  world: World,
  teacherHits: Hits,
  points: readonly OperatingPoint[],
  nearTeacher: OperatingPoint | undefined,
): Promise<Part> {
  const { bundle, threads, some, labels, quick, say } = world
  const chosen = (qualities: readonly number[]) => (quick ? QUICK.map((at) => qualities[at]!) : qualities)
  const settings = [
    // The same pixels as with better tables: only its bytes are of interest, at the quality that the figure speaks of.
    standardJpeg([95]),
    ...jpegSettings(chosen(QUALITIES.jpeg)),
    ...webpSettings(chosen(QUALITIES.webp)),
    ...avifSettings(chosen(QUALITIES.avif), AVIF_EFFORT),
    losslessWebp,
  ]
  const pictures = world.pictures.slice(0, some)
  const teacher = await openNetwork(bundle.manifest, bundle.modelBytes('full'), threads)
  let curves: CodecCurve[]
  try {
    const judge = { face: bundle.manifest, score: teacher.score, pictures, wanted: labels }
    curves = await codecCurves(settings, judge, say)
  } finally {
    await teacher.dispose()
  }
  const top1 = percentage(teacherHits.subarray(0, some))
  const ours = points.map(({ name, hits, bytes }) => ({
    name,
    bytes: mean(bytes.subarray(0, some)),
    score: percentage(hits.subarray(0, some)),
  }))
  const within = ours.filter(({ score }) => top1 - score >= RANGE.from && top1 - score <= RANGE.to)
  const compared = compareAll(ours, curves)
  const judged = compared.filter(({ name }) => within.some((point) => point.name === name))
  const reference = jpeg95(curves)
  const reduction =
    nearTeacher === undefined
      ? unreached('reductionVsJpegPct', 'no mode is as accurate as the figure asks: see bytesAtMinus0_6')
      : {
          figures: {
            reductionVsJpegPct:
              100 * (1 - mean(nearTeacher.bytes.subarray(0, some)) / reference.strippedBytes),
          },
        }
  const ratio =
    judged.length === 0
      ? unreached('bestCodecRatio', `no mode lies ${RANGE.from} to ${RANGE.to} points below the teacher`)
      : { figures: { bestCodecRatio: Math.min(...judged.map((one) => one.ratio)) } }
  return {
    figures: { ...('figures' in reduction && reduction.figures), ...('figures' in ratio && ratio.figures) },
    missing: { ...reduction.missing, ...ratio.missing },
    verdicts: {
      ...reduction.verdicts,
      ...ratio.verdicts,
      // A hundred pictures tell nothing.
      ...(quick && { reductionVsJpegPct: null, bestCodecRatio: null }),
    },
    peers: { codecs: describedCurves(curves) },
    detail: {
      codecComparison: {
        pictures: `the first ${some} of the CIFAR-10 test set, for both sides`,
        teacherTop1: top1,
        jpeg95: { ...reference },
        range: RANGE,
        points: compared.map((one) => ({ ...one, isJudged: judged.includes(one) })),
      },
    },
  }
}

/** JPEG of quality 95, colour halved, with the standard tables: stripped of its headers, a decoder can still read it. */
function jpeg95(curves: readonly CodecCurve[]): CodecPoint {
  const curve = curves.find(({ setting }) => setting.name === 'jpeg-standard')!
  return curve.points[0]!
}
