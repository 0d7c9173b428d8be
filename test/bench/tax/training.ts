import { cifar10Mean, cifar10Std, type LabelledImages } from '@isthmus/models/data'
import type { Model } from '@isthmus/models/onnx'
import {
  type Family,
  fineTuningOptimizer,
  fineTuningStep,
  imitationOptimizer,
  imitationStep,
  rateFeeds,
} from '@isthmus/models/slimmable'
import { imageBatches, runTraining, stepsPerEpoch, triangle } from '@isthmus/models/train'
import { teacherWidthsOf, type Weights } from '../variants/graphs.ts'
import { batch, type Member, shape } from './member.ts'

export interface Budget {
  readonly seed: number
  readonly imitateEpochs: number
  readonly fineTuneEpochs: number
  readonly threads: number
}

/** What all members start from, and learn from. */
export interface Lesson {
  readonly images: LabelledImages
  /** The teacher's answers mixed with the labels. */
  readonly targets: Float32Array
  readonly studentHead: Model
  /** Decoder and tail, trained behind the student's head, and the teacher's other weights. */
  readonly start: Weights
}

const PEAK_IMITATION = 4e-3
const PEAK_FINE_TUNING = 0.05
const RATES = { weightDecay: 2.5e-4, rateScaleOfRates: 5 }

/** Both stages of the recipe that the encoder that ships comes from, for as many steps as any other member. */
export async function trainMember(
  member: Member,
  { images, targets, studentHead, start }: Lesson,
  { seed, imitateEpochs, fineTuneEpochs, threads }: Budget,
  onStep: (stage: string, done: number, steps: number) => void,
): Promise<Weights> {
  const looks = {
    mean: cifar10Mean,
    std: cifar10Std,
    batch,
    classes: 10,
    flip: 'alternating',
    padPx: 3,
  } as const
  const epoch = stepsPerEpoch(images, batch)
  const common = { itemsPerStep: batch, threads }

  const family: Family = { ...shape, ...member, tail: teacherWidthsOf(start) }
  const imitation = imitationStep(family, studentHead, seed)
  const seen = imageBatches(images, { ...looks, seed })
  const imitated = await runTraining({
    ...common,
    step: imitation,
    optimizer: imitationOptimizer,
    steps: imitateEpochs * epoch,
    rate: triangle(PEAK_IMITATION, imitateEpochs * epoch),
    batch: (at) => ({ input: seen(at).images }),
    onProgress: ({ step, steps }) => onStep('imitation', step, steps),
  })

  const weights = new Map([...start, ...imitation.parameters(imitated.state)])
  const step = fineTuningStep(family, weights, { seed, ...RATES })
  const batches = imageBatches(images, { ...looks, softLabels: targets, seed: seed + 1 })
  const rates = rateFeeds(family, seed)
  const { state } = await runTraining({
    ...common,
    step,
    optimizer: fineTuningOptimizer,
    steps: fineTuneEpochs * epoch,
    rate: triangle(PEAK_FINE_TUNING, fineTuneEpochs * epoch),
    batch: (at) => {
      const { images: input, targets: wanted } = batches(at)
      return { input, targets: wanted, ...rates(at) }
    },
    onProgress: (progress) => onStep('fine-tuning', progress.step, progress.steps),
  })
  return new Map([...weights, ...step.parameters(state)])
}
