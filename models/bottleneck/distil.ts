import type { Optimizer, TrainingState } from '../autodiff/index.ts'
import { seededRandom, shuffledIndices } from '../data/index.ts'
import { type ConstantTensor, elementCount } from '../onnx/index.ts'
import type { Tensor } from '../runtime/index.ts'
import { cosine, runTraining, type TrainingRun } from '../train/index.ts'
import { mixAt, priceAt, type RateTier } from './rates.ts'
import { type StudentPlan, studentStep, wantedName } from './training-graph.ts'
import type { ViewStore } from './view-store.ts'

/** How long and how fast each stage learns. */
export interface DistillationSettings {
  readonly batch: number
  readonly featureSteps: number
  readonly featureRate: number
  readonly answerSteps: number
  readonly answerRate: number
}

export type PhaseOptions = Pick<TrainingRun, 'threads' | 'spinning' | 'checkpoint' | 'onProgress' | 'signal'>

export interface Distilled {
  readonly weights: Map<string, ConstantTensor>
  readonly elapsedS: number
}

const adam: Optimizer = { kind: 'adam' }

/**
 * Stage 1: encoder and decoder learn to give what the teacher has at its points (generalised head network distillation), with noise in place
 * of rounding and each frame at a rate of its own.
 */
export async function distilFeatures(
  plan: StudentPlan,
  settings: DistillationSettings,
  data: TrainingData,
  phase: PhaseOptions,
): Promise<Distilled> {
  const { batch, featureSteps, featureRate } = settings
  const step = studentStep(plan, { batch, optimizer: adam, answers: false, rounded: false, featureWeight: 1 })
  const { state, elapsedS } = await runTraining({
    step,
    optimizer: adam,
    steps: featureSteps,
    itemsPerStep: batch,
    rate: cosine(featureRate, featureSteps, 0.05),
    batch: (at) => feedsOf(plan, data, batch, at, false),
    ...phase,
    phase: 'stage 1 of 2: features',
  })
  return { weights: step.parameters(state), elapsedS }
}

/** What the errors at the points weigh beside the cross-entropy with the teacher's answers. */
const FEATURE_WEIGHT = 0.5

/** Stage 2: the teacher's answers, through its whole frozen tail, with the latent rounded as it will be on the wire. No labels. */
export async function distilAnswers(
  plan: StudentPlan,
  settings: DistillationSettings,
  weights: ReadonlyMap<string, ConstantTensor>,
  data: TrainingData,
  phase: PhaseOptions,
): Promise<Distilled> {
  const { batch, answerSteps, answerRate, featureSteps } = settings
  const step = studentStep(plan, {
    batch,
    optimizer: adam,
    answers: true,
    rounded: true,
    featureWeight: FEATURE_WEIGHT,
    weights,
  })
  const { state, elapsedS } = await runTraining({
    step,
    optimizer: adam,
    steps: answerSteps,
    itemsPerStep: batch,
    rate: cosine(answerRate, answerSteps, 0.05),
    batch: (at) => feedsOf(plan, data, batch, featureSteps + at, true),
    ...phase,
    phase: 'stage 2 of 2: answers',
  })
  return { weights: step.parameters(state), elapsedS }
}

export type { TrainingState }

/** The records that are trained on. */
export interface TrainingData {
  readonly store: ViewStore
  readonly photos: number
  readonly viewsPerPhoto: number
}

/** Data of a step: a photo comes once in each round over all photos, each time in a view drawn at random. */
function feedsOf(
  plan: StudentPlan,
  { store, photos, viewsPerPhoto }: TrainingData,
  batch: number,
  step: number,
  answers: boolean,
): Record<string, Tensor> {
  const { seed, tiers, shape, points } = plan
  const random = seededRandom(seed, 5, step)
  const places = Array.from({ length: batch }, (_, row) => {
    const place = step * batch + row
    const order = shuffledIndices(photos, seededRandom(seed, 6, Math.floor(place / photos)))
    return order[place % photos]! * viewsPerPhoto + random.below(viewsPerPhoto)
  })
  const columns = store.read(places)
  const feeds: Record<string, Tensor> = {
    pixels: { dtype: 'uint8', dims: [batch, shape.side, shape.side, 3], data: columns.pixels as Uint8Array },
    ...rateFeeds(tiers, batch, () => random.uniform()),
    noise: noiseFeed([batch, shape.latent.channels, shape.latent.side, shape.latent.side], () =>
      random.uniform(),
    ),
  }
  for (const [at, { dims }] of points.entries()) {
    const data = columns[wantedName(at)] as Uint16Array
    feeds[wantedName(at)] = { dtype: 'float16', dims: [batch, ...dims], data }
  }
  if (answers) {
    feeds.answers = {
      dtype: 'float32',
      dims: [batch, plan.answer.classes],
      data: columns.answers as Float32Array,
    }
  }
  return feeds
}

/** Each frame is sent at a rate between the first tier and the last; every rate is as likely. */
function rateFeeds(tiers: readonly RateTier[], batch: number, uniform: () => number): Record<string, Tensor> {
  const mix = new Float32Array(batch * tiers.length)
  const price = new Float32Array(batch)
  for (let row = 0; row < batch; row++) {
    const place = uniform() * (tiers.length - 1)
    mix.set(mixAt(place, tiers.length), row * tiers.length)
    price[row] = priceAt(place, tiers)
  }
  return {
    mix: { dtype: 'float32', dims: [batch, tiers.length], data: mix },
    price: { dtype: 'float32', dims: [batch, 1], data: price },
  }
}

/** What rounding does to a value that is spread wider than one step: uniform noise of one step. */
function noiseFeed(dims: number[], uniform: () => number): Tensor {
  const data = new Float32Array(elementCount(dims))
  for (let at = 0; at < data.length; at++) data[at] = uniform() - 0.5
  return { dtype: 'float32', dims, data }
}
