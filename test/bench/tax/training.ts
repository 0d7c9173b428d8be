import { cifar10Mean, cifar10Std, type LabelledImages, seededRandom } from '@isthmus/models/data'
import type { Model } from '@isthmus/models/onnx'
import type { Tensor } from '@isthmus/models/runtime'
import { imageBatches, runTraining, stepsPerEpoch, triangle } from '@isthmus/models/train'
import { latentDims, type Weights } from '../variants/graphs.ts'
import { adam, fineTuningStep, imitationStep, sgd } from './graphs.ts'
import { batch, type Member } from './member.ts'

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

const [channels] = latentDims
const latentSize = latentDims.reduce((product, dim) => product * dim, 1)
const PEAK_IMITATION = 4e-3
const PEAK_FINE_TUNING = 0.03
/** Above 1, fine rates are drawn more often than coarse ones. */
const FINE_BIAS = 1.5

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

  const imitation = imitationStep(member, studentHead, seed)
  const seen = imageBatches(images, { ...looks, seed })
  const imitated = await runTraining({
    ...common,
    step: imitation,
    optimizer: adam,
    steps: imitateEpochs * epoch,
    rate: triangle(PEAK_IMITATION, imitateEpochs * epoch),
    batch: (at) => ({ input: seen(at).images }),
    onProgress: ({ step, steps }) => onStep('imitation', step, steps),
  })

  const weights = new Map([...start, ...imitation.parameters(imitated.state)])
  const step = fineTuningStep(member, weights, seed)
  const batches = imageBatches(images, { ...looks, softLabels: targets, seed: seed + 1 })
  const rates = rateFeeds(member, seed)
  const { state } = await runTraining({
    ...common,
    step,
    optimizer: sgd,
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

/** Each image's place between the tiers, its price of a bit, the channels that arrive, and the noise that stands for rounding. */
function rateFeeds(
  { tiers, rows, prefixRows }: Member,
  seed: number,
): (step: number) => Record<string, Tensor> {
  const mix = new Float32Array(batch * tiers.length)
  const price = new Float32Array(batch)
  const kept = new Float32Array(batch * channels)
  const noise = new Float32Array(batch * latentSize)
  const [wideRows] = rows as [number]
  return (step) => {
    const random = seededRandom(seed, 77, step)
    mix.fill(0)
    kept.fill(1)
    for (let row = 0; row < batch; row++) {
      const share = tiers.length === 1 ? 0 : random.uniform() ** FINE_BIAS
      mix[row * tiers.length] = 1 - share
      if (tiers.length > 1) mix[row * tiers.length + 1] = share
      price[row] = tiers[0]!.bitPrice ** (1 - share) * tiers.at(-1)!.bitPrice ** share
      if (row < wideRows && row >= wideRows - prefixRows)
        kept.fill(0, row * channels + 1 + random.below(channels - 1), (row + 1) * channels)
    }
    for (let at = 0; at < noise.length; at++) noise[at] = random.uniform() - 0.5
    return {
      mix: { dtype: 'float32', dims: [batch, tiers.length], data: mix },
      price: { dtype: 'float32', dims: [batch, 1], data: price },
      kept: { dtype: 'float32', dims: [batch, channels], data: kept },
      noise: { dtype: 'float32', dims: [batch, ...latentDims], data: noise },
    }
  }
}
