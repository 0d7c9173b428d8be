import type { Optimizer } from '@isthmus/models/autodiff'
import { cifar10Mean, cifar10Std, type LabelledImages, seededRandom } from '@isthmus/models/data'
import type { ConstantTensor } from '@isthmus/models/onnx'
import type { Tensor } from '@isthmus/models/runtime'
import { imageBatches, runTraining, stepsPerEpoch, triangle } from '@isthmus/models/train'
import { batch, latentDims, variantStep, type Weights } from './graphs.ts'
import type { Variant } from './variant.ts'

export interface Budget {
  readonly seed: number
  readonly stage1Epochs: number
  readonly stage2Epochs: number
  readonly threads: number
}

const adam: Optimizer = { kind: 'adam' }
const sgd: Optimizer = { kind: 'sgd', momentum: 0.9, nesterov: true }
const latentSize = latentDims.reduce((product, dim) => product * dim, 1)

/**
 * Trains one variant: as many epochs in all as every other, whichever stages it has. `targets` are the teacher's answers mixed with the
 * labels.
 */
export async function trainVariant(
  variant: Variant,
  images: LabelledImages,
  targets: Float32Array,
  teacherWeights: Weights,
  budget: Budget,
  onStep: (stage: number, done: number, steps: number) => void,
): Promise<Map<string, ConstantTensor>> {
  const { seed, threads } = budget
  const epochs = budget.stage1Epochs + budget.stage2Epochs
  const first = variant.stage1 === 'none' ? 0 : variant.stage2 === 'none' ? epochs : budget.stage1Epochs
  const stages = [
    { number: 1, epochs: first, optimizer: adam, peakRate: 2e-3, weightDecay: 0 },
    { number: 2, epochs: epochs - first, optimizer: sgd, peakRate: 0.05, weightDecay: 8e-4 },
  ] as const
  let weights = new Map(teacherWeights)
  for (const { number, epochs: own, optimizer, peakRate, weightDecay } of stages) {
    if (own === 0) continue
    const step = variantStep(variant, weights, seed, { number, optimizer, weightDecay })
    const steps = own * stepsPerEpoch(images, batch)
    const batches = imageBatches(images, {
      ...{ mean: cifar10Mean, std: cifar10Std, batch, classes: 10, flip: 'alternating', padPx: 3 },
      ...(variant.stage2 === 'kd' && { softLabels: targets }),
      seed: seed + number,
    })
    const rates = rateFeeds(variant, seed + number)
    const { state } = await runTraining({
      step,
      optimizer,
      steps,
      itemsPerStep: batch,
      rate: triangle(peakRate, steps),
      threads,
      batch: (at) => {
        const { images: input, targets: wanted } = batches(at)
        return { ...(number === 2 && { targets: wanted }), input, ...rates(at) }
      },
      onProgress: (progress) => onStep(number, progress.step, steps),
    })
    weights = new Map([...weights, ...step.parameters(state)])
  }
  return weights
}

/** Each frame's place between the tiers, its price of a bit, and the noise that stands for rounding. */
function rateFeeds({ tiers }: Variant, seed: number): (step: number) => Record<string, Tensor> {
  const mix = new Float32Array(batch * tiers.length)
  const price = new Float32Array(batch)
  const noise = new Float32Array(batch * latentSize)
  return (step) => {
    const random = seededRandom(seed, 77, step)
    mix.fill(0)
    for (let row = 0; row < batch; row++) {
      const share = tiers.length === 1 ? 0 : random.uniform()
      mix[row * tiers.length] = 1 - share
      if (tiers.length > 1) mix[row * tiers.length + 1] = share
      price[row] = tiers[0]!.bitPrice ** (1 - share) * tiers.at(-1)!.bitPrice ** share
    }
    for (let at = 0; at < noise.length; at++) noise[at] = random.uniform() - 0.5
    return {
      mix: { dtype: 'float32', dims: [batch, tiers.length], data: mix },
      price: { dtype: 'float32', dims: [batch, 1], data: price },
      noise: { dtype: 'float32', dims: [batch, ...latentDims], data: noise },
    }
  }
}
