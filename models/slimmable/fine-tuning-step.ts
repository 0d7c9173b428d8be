import { compileTrainingStep, type Optimizer, type TrainingStep } from '../autodiff/index.ts'
import { seededRandom } from '../data/index.ts'
import {
  bottleFitDecoder,
  factorizedPrior,
  gains,
  NetBuilder,
  slimmableEncoder,
  teacherEnd,
} from '../nets/index.ts'
import { type ConstantTensor, GraphBuilder } from '../onnx/index.ts'
import type { Family } from './family.ts'

/** What the fine-tuning's state is made for. */
export const fineTuningOptimizer: Optimizer = { kind: 'sgd', momentum: 0.9, nesterov: true }

export interface FineTuning {
  readonly seed: number
  readonly weightDecay: number
  /** Of prior and gains, which start from nothing, the rate is so many times higher. */
  readonly rateScaleOfRates: number
}

/**
 * Encoder, gains, prior, decoder and tail together on `targets` ([batch, 10] probabilities): each image at the rate that `mix` says pays
 * `price` for each bit of its rounded latent, and keeps the channels of `kept` only. Inputs: `input` [batch,3,32,32], `targets`, and those that
 * `rateFeeds` draws.
 */
export function fineTuningStep(
  family: Family,
  weights: ReadonlyMap<string, ConstantTensor>,
  { seed, weightDecay, rateScaleOfRates }: FineTuning,
): TrainingStep {
  const { name, batch, widths, tiers, encoder, plane, decoder, tail } = family
  const channels = encoder.latent
  const inputDims = {
    input: [batch, 3, 32, 32],
    targets: [batch, 10],
    mix: [batch, tiers.length],
    price: [batch, 1],
    kept: [batch, channels],
    noise: [batch, channels, ...plane],
  }
  const g = new GraphBuilder(`${name}-rate-training`, 17)
  for (const [key, dims] of Object.entries(inputDims)) g.input(key, 'float32', dims)
  const net = new NetBuilder(name, { random: seededRandom(seed), training: true, graph: g, weights })
  let from = 0
  const latents = widths.map(({ width, rows }) => {
    const own = g.op('Slice', ['input', g.ints([from]), g.ints([from + rows]), g.ints([0])])
    from += rows
    return slimmableEncoder(net, own, encoder, width)
  })
  const latent = latents.length === 1 ? latents[0]! : g.op('Concat', latents, { axis: 0 })
  const start = tiers.map(({ gain }) => gain)
  const { gain, inverse } = gains(net, 'mix', { batch, channels, start })
  const scaled = g.op('Mul', [latent, gain])
  const sizes = { batch, channels, perChannel: plane[0] * plane[1], tiers: tiers.length, plane }
  const bits = factorizedPrior(net, g.op('Add', [scaled, 'noise']), sizes, 'mix')
  const mask = g.op('Reshape', ['kept', g.ints([batch, channels, 1, 1])])
  const received = g.op('Mul', [g.op('Mul', [g.op('Round', [scaled]), inverse]), mask])
  const { logits } = teacherEnd(net, bottleFitDecoder(net, received, decoder, tail.group2), tail)
  const paid = g.op('ReduceSum', [g.op('Mul', [g.op('Mul', [bits, 'kept']), 'price'])], { keepdims: 0 })
  const wrong = net.crossEntropy(logits, 'targets', batch)
  g.output(net.add(wrong, g.op('Mul', [paid, g.scalar(1 / batch)])), 'loss')
  const isOfRates = (of: string) => of.startsWith('prior.') || of.startsWith('gain.')
  return compileTrainingStep(g.build(), {
    loss: 'loss',
    inputDims,
    optimizer: fineTuningOptimizer,
    groups: [
      { name: 'kernels', parameters: net.kernels, weightDecay },
      { name: 'vectors', parameters: net.vectors.filter((of) => !isOfRates(of)) },
      { name: 'rates', parameters: net.vectors.filter(isOfRates), rateScale: rateScaleOfRates },
    ],
  })
}
