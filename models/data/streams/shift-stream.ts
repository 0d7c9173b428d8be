import { corruptionRandom, corruptor } from '../corruptions/corrupt.ts'
import {
  benchmarkCorruptions,
  type Corruption,
  type CorruptionSet,
  type CorruptionType,
  type Corruptor,
  type Severity,
} from '../corruptions/types.ts'
import { dataError } from '../errors.ts'
import type { LabelledImages } from '../labelled-images.ts'
import { seededRandom } from '../random.ts'
import { type ClassOrder, classOrder } from './class-order.ts'

/**
 * How one kind of damage follows the other. `reset-per-shift`: each type and severity by itself; whoever learns
 * starts anew with each. `continual`: the same sequence without starting anew. `mixed`: every image
 * once, with a type and severity drawn for it.
 */
export type ShiftOrder = 'reset-per-shift' | 'continual' | 'mixed'

export interface ShiftStreamOptions {
  shifts: ShiftOrder
  /** Default: the fifteen of the benchmark. */
  types?: readonly CorruptionType[]
  /** Default: 5 alone. With several, each type comes in each of them before the next type. */
  severities?: readonly Severity[]
  /** Whose constants. Default `cifar`. */
  set?: CorruptionSet
  /** Default `shuffled`. */
  classes?: ClassOrder
  /** Images per batch; the last batch of a shift may hold fewer. Default 64. */
  batchSize?: number
  /** Names order and damage. An image is damaged as by `corruptImages` with the same seed. Default 0. */
  seed?: number
}

/** What a log needs to name an image of a stream. */
export interface StreamItem {
  /** In the images that the stream was made from. */
  index: number
  label: number
  type: CorruptionType
  severity: Severity
}

export interface StreamBatch {
  /** The damaged images; in memory of their own. */
  images: LabelledImages
  /** One per image. */
  items: readonly StreamItem[]
  /** Which type and severity of the sequence, from 0; a batch never spans two. 0 throughout when mixed. */
  shift: number
  /** Whether whoever learns should start anew before this batch. */
  reset: boolean
}

/** Batches, made one at a time. Each loop over it begins again, with the same images. */
export interface ShiftStream extends Iterable<StreamBatch> {
  /** Images in the whole stream. */
  readonly count: number
  readonly batchCount: number
  /** The types and severities in sequence, or those that are drawn from when mixed. */
  readonly corruptions: readonly Required<Corruption>[]
}

/**
 * A stream of damaged images as a device might meet them, for measuring adaptation.
 *
 * ```ts
 * for (const { images, items } of shiftStream(test, { shifts: 'continual', batchSize: 1 })) …
 * ```
 *
 * @throws BAD_OPTION
 */
export function shiftStream(images: LabelledImages, options: ShiftStreamOptions): ShiftStream {
  const { shifts, batchSize = 64, seed = 0, classes = 'shuffled' } = options
  const { types = benchmarkCorruptions, severities = [5], set = 'cifar' } = options
  if (!['reset-per-shift', 'continual', 'mixed'].includes(shifts)) {
    throw dataError('BAD_OPTION', `shifts ${JSON.stringify(shifts)}: use reset-per-shift, continual or mixed`)
  }
  if (!(Number.isInteger(batchSize) && batchSize > 0)) {
    throw dataError('BAD_OPTION', `batchSize ${batchSize} must be a whole number above 0`)
  }
  const bytes = 3 * images.height * images.width
  if (images.pixels.length !== images.count * bytes || images.labels.length !== images.count) {
    throw dataError('BAD_OPTION', `pixels and labels are not those of ${images.count} images`)
  }
  const corruptions = types.flatMap((type) => severities.map((severity) => ({ type, severity, set })))
  if (corruptions.length === 0) throw dataError('BAD_OPTION', 'a stream needs a type and a severity')
  // All at once, so that an unknown name is told before the first batch.
  const damages: readonly Corruptor[] = corruptions.map((corruption) => corruptor(corruption, images))
  // And an order that cannot be.
  classOrder(Uint8Array.of(0), classes, seededRandom(seed))

  const mixed = shifts === 'mixed'
  const passes = mixed ? 1 : corruptions.length

  function* batches(): Generator<StreamBatch, void, undefined> {
    for (let shift = 0; shift < passes; shift++) {
      const order = classOrder(images.labels, classes, seededRandom(seed, 0, shift))
      for (let first = 0; first < images.count; first += batchSize) {
        const reset = first === 0 && (shift === 0 || shifts === 'reset-per-shift')
        yield batchOf(order.subarray(first, first + batchSize), shift, reset)
      }
    }
  }

  function batchOf(indices: Uint32Array, shift: number, reset: boolean): StreamBatch {
    const pixels = new Uint8Array(indices.length * bytes)
    const items = Array.from(indices, (index, position): StreamItem => {
      const drawn = mixed ? seededRandom(seed, 1, index).below(corruptions.length) : shift
      const corruption = corruptions[drawn]!
      damages[drawn]!(
        images.pixels.subarray(index * bytes, (index + 1) * bytes),
        pixels.subarray(position * bytes, (position + 1) * bytes),
        corruptionRandom(corruption, index, seed),
      )
      const { type, severity } = corruption
      return { index, label: images.labels[index]!, type, severity }
    })
    const labels = Uint8Array.from(items, ({ label }) => label)
    return { images: { ...images, count: items.length, pixels, labels }, items, shift, reset }
  }

  return {
    count: passes * images.count,
    batchCount: passes * Math.ceil(images.count / batchSize),
    corruptions,
    [Symbol.iterator]: batches,
  }
}
