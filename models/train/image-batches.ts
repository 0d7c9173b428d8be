import {
  type BatchOptions,
  batchFiller,
  type LabelledImages,
  seededRandom,
  shuffledIndices,
} from '../data/index.ts'
import { modelError } from '../errors.ts'
import type { Tensor } from '../runtime/index.ts'

export interface ImageBatchOptions extends BatchOptions {
  readonly batch: number
  readonly classes: number
  /** Probability taken from the label and spread over all classes. Default 0. */
  readonly labelSmoothing?: number
  /** Probabilities [count, classes] to learn instead of the labels, a teacher's for instance. */
  readonly softLabels?: Float32Array
  readonly seed: number
}

/** Steps of one pass over the images; the last images that do not fill a batch wait for another shuffle. */
export const stepsPerEpoch = (images: LabelledImages, batch: number): number =>
  Math.floor(images.count / batch)

/**
 * The batches of a run over labelled images: by step, `images` [N,C,H,W] and `targets` [N,classes] (probabilities).
 * A step's data depends on seed and step alone. The tensors are reused at the next call.
 * Throws BAD_OPTION when the images do not fill a batch, or labels do not fit the classes.
 */
export function imageBatches(
  images: LabelledImages,
  options: ImageBatchOptions,
): (step: number) => { images: Tensor; targets: Tensor } {
  const { batch, classes, labelSmoothing = 0, softLabels, seed } = options
  const { channels, height, width } = images
  checkFit(images, options)
  const perEpoch = stepsPerEpoch(images, batch)
  const fill = batchFiller(images, options)
  const pixels = new Float32Array(batch * channels * height * width)
  const targets = new Float32Array(batch * classes)
  const order = new Uint32Array(images.count)
  let shuffled = -1
  return (step) => {
    const epoch = Math.floor(step / perEpoch)
    if (epoch !== shuffled) {
      shuffledIndices(images.count, seededRandom(seed, epoch), order)
      shuffled = epoch
    }
    const start = (step % perEpoch) * batch
    const indices = order.subarray(start, start + batch)
    fill(indices, epoch, pixels)
    if (softLabels) {
      for (let row = 0; row < batch; row++) {
        const at = indices[row]! * classes
        targets.set(softLabels.subarray(at, at + classes), row * classes)
      }
    } else {
      targets.fill(labelSmoothing / classes)
      for (let row = 0; row < batch; row++) {
        targets[row * classes + images.labels[indices[row]!]!]! += 1 - labelSmoothing
      }
    }
    return {
      images: { dtype: 'float32', dims: [batch, channels, height, width], data: pixels },
      targets: { dtype: 'float32', dims: [batch, classes], data: targets },
    }
  }
}

function checkFit(
  { count, labels }: LabelledImages,
  { batch, classes, softLabels }: ImageBatchOptions,
): void {
  if (!Number.isSafeInteger(batch) || batch < 1 || batch > count) {
    throw modelError('BAD_OPTION', `batch ${batch} is not a whole number from 1 to the ${count} images.`)
  }
  if (softLabels && softLabels.length !== count * classes) {
    throw modelError(
      'BAD_OPTION',
      `softLabels has ${softLabels.length} values for ${count} images of ${classes} classes.`,
    )
  }
  const stranger = softLabels ? undefined : labels.find((label) => label >= classes)
  if (stranger !== undefined) {
    throw modelError('BAD_OPTION', `An image has label ${stranger}, and classes is ${classes}.`)
  }
}
