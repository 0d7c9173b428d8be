import { rateFigure, type Series } from './rate-figure.ts'
import type { SplitResult, StoredCurves } from './split-result.ts'

interface Point {
  readonly bytes: number
  readonly score: number
}

/** What is worth choosing among all settings of a codec: no other point is as good for fewer bytes. */
export function front(points: readonly Point[]): Point[] {
  const sorted = [...points].sort((a, b) => a.bytes - b.bytes || b.score - a.score)
  let best = Number.NEGATIVE_INFINITY
  return sorted.filter(({ score }) => {
    if (score <= best) return false
    best = score
    return true
  })
}

const families = { jpeg: 'JPEG', webp: 'WebP', avif: 'AVIF' }

/** Each family's best settings by bytes without headers, and JPEG as whole files besides. Scores less `zero`. */
function codecSeries(curves: StoredCurves, zero = 0): Series[] {
  const points = (family: string, size: 'bytes' | 'strippedBytes') =>
    front(
      Object.values(curves)
        .filter((curve) => curve.family === family)
        .flatMap((curve) => curve.points.map((point) => ({ bytes: point[size], score: point.score - zero }))),
    )
  return [
    { label: 'JPEG files', style: 'curve', points: points('jpeg', 'bytes') },
    ...Object.entries(families).map(
      ([family, label]): Series => ({
        label: `${label} without headers`,
        style: 'curve',
        points: points(family, 'strippedBytes'),
      }),
    ),
  ]
}

const single = (label: string, points: readonly Point[]): Series[] =>
  points.length > 0 ? [{ label, style: 'points', points }] : []

/**
 * docs/figures/split-cifar10.svg, or undefined when the stored result knows no peers. Peers and ours were scored on different numbers
 * of the same frames, so each is drawn against the teacher on its own.
 */
export function cifarFigure({ figures, peers, detail }: SplitResult): string | undefined {
  const { codecs, bottlefit8bit: plain, untrainedCuts = [] } = peers
  const onSome = detail.codecComparison?.teacherTop1
  const onAll = figures.teacherTop1
  if (!codecs || onSome === undefined || onAll === undefined) return undefined
  const ours = Object.values(detail.modes).map(({ meanPayloadBytes, dropPts }) => ({
    bytes: meanPayloadBytes,
    score: -dropPts,
  }))
  return rateFigure({
    title: 'CIFAR-10: accuracy against what crosses for a frame',
    scoreLabel: 'top-1 less the teacher’s on the same frames, points',
    series: [
      { label: 'Isthmus', style: 'ours', points: front(ours) },
      ...codecSeries(codecs, onSome),
      ...single('8 bits, not coded', plain ? [{ bytes: plain.bytes, score: plain.top1 - onAll }] : []),
      ...single(
        'teacher cut, uint8',
        untrainedCuts.map(({ uint8 }) => ({ bytes: uint8.bytes, score: uint8.score - onSome })),
      ),
    ],
    reference: { label: 'teacher', score: 0 },
    lowest: -25,
  })
}

/** docs/figures/split-inception.svg, or undefined when the stored result knows nothing of it. */
export function inceptionFigure({ peers, detail }: SplitResult): string | undefined {
  if (!peers.inceptionCodecs || !detail.inception) return undefined
  const ours = Object.values(detail.inception.modes).map(({ bytes, score }) => ({ bytes, score }))
  const { inception8bit: plain, inceptionUntrainedCuts = [], inceptionAutoencoders = [] } = peers
  return rateFigure({
    title: 'Inception V3 at 299 px: agreement with the whole network against bytes',
    scoreLabel: 'same best guess, %',
    series: [
      { label: 'Isthmus', style: 'ours', points: front(ours) },
      ...codecSeries(peers.inceptionCodecs),
      ...single('8 bits, not coded', plain ? [plain] : []),
      ...single(
        'cut as it is, coded',
        inceptionUntrainedCuts.map(({ entropy4 }) => entropy4),
      ),
      ...single(
        'autoencoders behind its own head',
        inceptionAutoencoders.flatMap(({ entropy8, entropy4 }) => [entropy8, entropy4]),
      ),
    ],
    lowest: 50,
  })
}
