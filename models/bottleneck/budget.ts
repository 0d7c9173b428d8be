import type { DistillationSettings } from './distil.ts'

/** What the parts of one training step compute for one photo, in multiply-adds of a forward pass. */
export interface StepWork {
  /** Encoder and decoder, which are trained. */
  readonly pair: number
  /** The teacher from the cut to the last matched point, through which gradients flow in both stages. */
  readonly followed: number
  /** The teacher behind the cut. */
  readonly tail: number
  /** The whole teacher. */
  readonly whole: number
}

/** A training step moves more memory for each multiply-add than a network that only answers (measured: 1.3 to 1.7 times the time). */
const TRAINING_OVERHEAD = 1.5

/** Seconds for one photo: as target, in stage 1 and in stage 2. Gradients by input and weights cost a forward pass each. */
export function secondsPerPhoto(
  work: StepWork,
  wholeMs: number,
): { target: number; features: number; answers: number } {
  const perMac = wholeMs / 1000 / Math.max(1, work.whole)
  return {
    target: wholeMs / 1000,
    features: TRAINING_OVERHEAD * perMac * (3 * work.pair + 2 * work.followed),
    answers: TRAINING_OVERHEAD * perMac * (3 * work.pair + 2 * work.tail),
  }
}

/** Of the time that the targets leave, stage 1 gets this part: as long as the features are far off, it teaches more for its time. */
const FEATURE_SHARE = 0.65

/** Fewer steps than this teach nothing. */
const LEAST_STEPS = 20

/** Photos of one step. Each has errors at thousands of places: more steps teach more than more photos a step. */
export const BATCH = 4

export const FEATURE_RATE = 1.5e-3
export const ANSWER_RATE = 5e-4

/** Steps that fit into the time given. */
export function planSteps(
  seconds: { readonly target: number; readonly features: number; readonly answers: number },
  budgetS: number,
  photos: number,
  viewsPerPhoto: number,
): DistillationSettings {
  const batch = Math.min(BATCH, photos)
  const left = Math.max(0, budgetS - photos * viewsPerPhoto * seconds.target)
  const steps = (share: number, perPhoto: number) =>
    Math.max(LEAST_STEPS, Math.round((share * left) / (batch * perPhoto)))
  return {
    batch,
    featureSteps: steps(FEATURE_SHARE, seconds.features),
    featureRate: FEATURE_RATE,
    answerSteps: steps(1 - FEATURE_SHARE, seconds.answers),
    answerRate: ANSWER_RATE,
  }
}

/** Seconds that a plan will take. */
export function plannedSeconds(
  seconds: { readonly target: number; readonly features: number; readonly answers: number },
  { batch, featureSteps, answerSteps }: DistillationSettings,
  targets: number,
): number {
  return targets * seconds.target + batch * (featureSteps * seconds.features + answerSteps * seconds.answers)
}

/** The settings for numbers of steps that somebody chose. */
export const givenSteps = (
  [featureSteps, answerSteps]: readonly [number, number],
  photos: number,
): DistillationSettings => ({
  batch: Math.min(BATCH, photos),
  featureSteps,
  featureRate: FEATURE_RATE,
  answerSteps,
  answerRate: ANSWER_RATE,
})
