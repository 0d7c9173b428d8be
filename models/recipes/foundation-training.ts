import { type Cifar10, cifar10Mean, cifar10Std, mixedViews, seededRandom } from '../data/index.ts'
import type { ConstantTensor } from '../onnx/index.ts'
import type { RecipeContext, Trained } from './recipe.ts'
import { fitTeacher } from './teacher-training.ts'

/** What the foundation's training depends on, besides the code and the teacher: recorded in the bundle. */
export const foundationSettings = {
  name: 'foundation',
  seed: 11,
  epochs: 4,
  batch: 128,
  peakRate: 0.06,
  momentum: 0.85,
  weightDecay: 1.3e-3,
  vectorRateScale: 4,
  labelSmoothing: 0.1,
  padPx: 2,
  /** How far the views go (`mixedViews`). */
  filter: 1,
  colour: 0.2,
  move: 2,
  pattern: 0.25,
}

/** Trains the teacher on, on mixed views of the images, so that it stays right when the weather changes. */
export function trainFoundation(
  data: Cifar10,
  start: ReadonlyMap<string, ConstantTensor>,
  context: RecipeContext,
): Promise<Trained> {
  const mix = mixedViews(32, 32, foundationSettings)
  return fitTeacher(data, context, {
    settings: foundationSettings,
    whitening: start.get('whitening.weight')!,
    start,
    // Views are mixed on values from 0 to 1, and normalised after that.
    normalisation: { mean: [0, 0, 0], std: [1, 1, 1] },
    change(images, step) {
      for (let row = 0; row < foundationSettings.batch; row++) {
        const image = images.subarray(row * 3072, (row + 1) * 3072)
        mix(image, seededRandom(foundationSettings.seed, step, row))
        normalise(image)
      }
    },
  })
}

function normalise(image: Float32Array): void {
  const area = image.length / 3
  for (let at = 0; at < image.length; at++) {
    const channel = Math.floor(at / area)
    image[at] = (image[at]! - cifar10Mean[channel]!) / cifar10Std[channel]!
  }
}
