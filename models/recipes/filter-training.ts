import { type LabelledImages, seededRandom } from '../data/index.ts'
import { type FilterWidths, filterNet, foldBatchNorm, interest, NetBuilder } from '../nets/index.ts'
import type { ConstantTensor, Model } from '../onnx/index.ts'
import { fitImages } from './fit-images.ts'
import type { RecipeContext, Trained } from './recipe.ts'

const widths: FilterWidths = [16, 32, 64]

/** What the filter's training depends on, besides the code: recorded in the bundle. */
export const filterSettings = {
  name: 'filter',
  seed: 11,
  epochs: 14,
  batch: 128,
  peakRate: 0.15,
  momentum: 0.9,
  weightDecay: 5e-4,
  padPx: 2,
}

/** Images whose label says whether they are of interest: 1 or 0. */
export function ofInterest(images: LabelledImages, labels: ReadonlySet<number>): LabelledImages {
  return { ...images, labels: images.labels.map((label) => (labels.has(label) ? 1 : 0)) }
}

/** `input` [N,3,32,32] → `interest` [N,1], a probability; normalisation folded in. */
export function filterModel(weights: ReadonlyMap<string, ConstantTensor>): Model {
  const net = new NetBuilder('cifar10-filter', { random: seededRandom(0), weights })
  const input = net.g.input('input', 'float32', ['N', 3, 32, 32])
  net.g.output(interest(net, filterNet(net, input, widths)), 'interest', 'float32', ['N', 1])
  return foldBatchNorm(net.build())
}

/** Trains the filter on images labelled 1 (of interest) and 0. */
export function trainFilter(images: LabelledImages, context: RecipeContext): Promise<Trained> {
  return fitImages({
    name: 'cifar10-filter',
    build: (net, x) => filterNet(net, x, widths),
    classes: 2,
    images,
    settings: filterSettings,
    phase: context.phase('filter', filterSettings),
  })
}
