import { NormForward } from '@isthmus/models/adapt'
import {
  type CorruptionType,
  corruptImages,
  type LabelledImages,
  seededRandom,
  shuffledIndices,
} from '@isthmus/models/data'
import { argmax } from '@isthmus/models/train'
import { chosenImages } from './cell.ts'
import { type AdaptNetworks, inputOf, pixelsOf } from './networks.ts'

/** A camera whose weather changes at once. */
export interface LiveStream {
  readonly type: CorruptionType
  readonly seed: number
  /** The first of all damaged frames. */
  readonly onset: number
  readonly images: LabelledImages
}

/** So many clean test images in the seed's order, then as many damaged ones, none of them twice. */
export function liveStream(
  test: LabelledImages,
  { type, seed, clean, damaged }: { type: CorruptionType; seed: number; clean: number; damaged: number },
): LiveStream {
  const index = shuffledIndices(test.count, seededRandom(seed)).slice(0, clean + damaged)
  const images = chosenImages(test, index)
  const later = chosenImages(test, index.subarray(clean))
  images.pixels.set(
    corruptImages(later, { type, severity: 5, set: 'cifar' }, seed).pixels,
    clean * pixelsOf(images, 0).length,
  )
  return { type, seed, onset: clean, images }
}

/** What the network answers as packed: 1 where it is right. */
export async function packedAnswers(networks: AdaptNetworks, images: LabelledImages): Promise<Uint8Array> {
  const BATCH = 100
  const { student } = networks
  const forward = await NormForward.open(student.model, student.layout, 'running', 1)
  const right = new Uint8Array(images.count)
  for (let first = 0; first < images.count; first += BATCH) {
    const rows = Math.min(BATCH, images.count - first)
    const batch = Array.from({ length: rows }, (_, row) => pixelsOf(images, first + row))
    const { data } = await forward.run(inputOf(student, networks, batch), student.source)
    for (let row = 0; row < rows; row++)
      right[first + row] = Number(
        argmax(data, row * student.classes, student.classes) === images.labels[first + row],
      )
  }
  await forward.dispose()
  return right
}

/**
 * Frames from the onset until, over the last `window` of them, half of what the shift has cost is back: the answers are that much
 * better than those of the network as packed on the same images. Undefined when that never comes.
 */
export function recoveredAfter(
  adapted: ArrayLike<number>,
  packed: ArrayLike<number>,
  onset: number,
  window: number,
): number | undefined {
  const lost = share(packed, 0, onset) - share(packed, onset, packed.length)
  for (let end = onset + window; end <= adapted.length; end++) {
    const gained = share(adapted, end - window, end) - share(packed, end - window, end)
    if (gained >= lost / 2) return end - onset
  }
  return undefined
}

/** Of the entries from `from` to before `to`, the share that is 1. */
export function share(right: ArrayLike<number>, from: number, to: number): number {
  let sum = 0
  for (let at = from; at < to; at++) sum += right[at]!
  return sum / (to - from)
}
