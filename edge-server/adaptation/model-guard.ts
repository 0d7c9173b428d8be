/** What a network answers to images that are known, or were learned from. */
export interface Answers {
  /** Of each image, the class. */
  readonly labels: ArrayLike<number>
  /** Of each image, in nats. */
  readonly entropy: ArrayLike<number>
}

/** What a candidate is judged by. */
export interface Evidence {
  readonly classes: number
  /** Answers to the latest uploads: the candidate's, those of the foundation as it was packed, and as it teaches now. */
  readonly recent: { readonly candidate: Answers; readonly reference: Answers; readonly teacher: Answers }
  /** Answers to the clean probe, where there is one: `truth` holds its labels, or what the packed network answers. */
  readonly probe?: {
    readonly candidate: Answers
    readonly packed: Answers
    readonly truth: ArrayLike<number>
  }
}

export interface GuardLimits {
  /** Drop of accuracy on the clean probe, against the packed network, in points. */
  readonly probeDropPts: number
  /** Mean entropy of the candidate's answers to the latest uploads, in shares of ln(classes), below which it has collapsed. */
  readonly entropyFloor: number
  /** Total variation distance between the label histograms of candidate and reference (0: the same, 1: nothing in common). */
  readonly histogramDistance: number
  /** Share of the uploads that one class may take, where for the packed foundation it is less than half of that. */
  readonly topShare: number
  /** Uploads without which the last two say nothing. */
  readonly fewest: number
}

export const guardLimits: GuardLimits = {
  probeDropPts: 2,
  entropyFloor: 0.002,
  histogramDistance: 0.5,
  topShare: 0.9,
  fewest: 64,
}

export const guardReasons = [
  'probe-drop',
  'probe-histogram',
  'histogram-collapse',
  'entropy-collapse',
] as const
export type GuardReason = (typeof guardReasons)[number]

export interface GuardVerdict {
  readonly good: boolean
  readonly reason: GuardReason | undefined
  /** What was measured, for the log. */
  readonly detail: string
}

/**
 * Whether a candidate may go out. What collapses in practice is the label histogram: entropy falls to nothing while one class takes
 * all. A stream may well hold one class for a while, so the histogram is held against those of the foundation on the same images: as it
 * teaches now, for under a strong shift the packed one knows no better, and as it was packed, for a teacher can collapse too. The probe, of known images, is the surest: a drop counts when it exceeds the limit and what chance explains (two standard errors).
 */
export function judgeCandidate(evidence: Evidence, limits: GuardLimits = guardLimits): GuardVerdict {
  const { classes, recent, probe } = evidence
  if (probe) {
    const [after, before] = [
      accuracyPts(probe.candidate, probe.truth),
      accuracyPts(probe.packed, probe.truth),
    ]
    const chancePts = 2 * standardErrorPts(before, probe.truth.length)
    if (before - after > Math.max(limits.probeDropPts, chancePts))
      return bad(
        'probe-drop',
        `accuracy on the probe fell from ${before.toFixed(1)} to ${after.toFixed(1)} %`,
      )
    const distance = totalVariation(probe.candidate.labels, probe.packed.labels, classes)
    if (distance > limits.histogramDistance)
      return bad('probe-histogram', `label histograms on the probe are ${distance.toFixed(2)} apart`)
  }
  const count = recent.candidate.labels.length
  if (count >= limits.fewest) {
    const distance = Math.min(
      totalVariation(recent.candidate.labels, recent.reference.labels, classes),
      totalVariation(recent.candidate.labels, recent.teacher.labels, classes),
    )
    if (distance > limits.histogramDistance)
      return bad('histogram-collapse', `label histograms on uploads are ${distance.toFixed(2)} apart`)
    const [top, usual] = [topShare(recent.candidate.labels), topShare(recent.reference.labels)]
    if (top > limits.topShare && usual < limits.topShare / 2)
      return bad('histogram-collapse', `one class takes ${(100 * top).toFixed(0)} % of the uploads`)
    const entropy = mean(recent.candidate.entropy)
    if (entropy < limits.entropyFloor * Math.log(classes))
      return bad('entropy-collapse', `mean entropy on uploads is ${entropy.toExponential(1)}`)
  }
  return { good: true, reason: undefined, detail: '' }
}

const bad = (reason: GuardReason, detail: string): GuardVerdict => ({ good: false, reason, detail })

/** Half the sum of differences of two label histograms, as shares: 0 … 1. */
export function totalVariation(a: ArrayLike<number>, b: ArrayLike<number>, classes: number): number {
  const difference = new Float64Array(classes)
  for (let at = 0; at < a.length; at++) difference[a[at]!]! += 1 / a.length
  for (let at = 0; at < b.length; at++) difference[b[at]!]! -= 1 / b.length
  return difference.reduce((sum, value) => sum + Math.abs(value), 0) / 2
}

/** Share of the label that is most frequent. */
function topShare(labels: ArrayLike<number>): number {
  const counts = new Map<number, number>()
  for (let at = 0; at < labels.length; at++) counts.set(labels[at]!, (counts.get(labels[at]!) ?? 0) + 1)
  return Math.max(0, ...counts.values()) / Math.max(1, labels.length)
}

function accuracyPts({ labels }: Answers, truth: ArrayLike<number>): number {
  let right = 0
  for (let at = 0; at < truth.length; at++) if (labels[at] === truth[at]) right++
  return (100 * right) / truth.length
}

const standardErrorPts = (accuracy: number, count: number): number =>
  Math.sqrt((Math.max(accuracy, 1) * Math.max(100 - accuracy, 1)) / count)

function mean(values: ArrayLike<number>): number {
  let sum = 0
  for (let at = 0; at < values.length; at++) sum += values[at]!
  return sum / values.length
}
