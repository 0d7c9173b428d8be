import { bottleneckError } from './errors.ts'

/** Photos to train on, and photos that the training never sees. */
export interface PhotoSplit {
  readonly train: readonly string[]
  readonly heldOut: readonly string[]
}

/** A tenth is enough to train on, but then agreement is known to one part in `heldOut` only. */
const LEAST_TRAIN = 2

/**
 * Keeps `count` photos back, evenly spread over the list: sorted by class, every class has its share. The same list gives the same photos.
 * Throws TOO_FEW_PHOTOS.
 */
export function splitPhotos(photos: readonly string[], count: number): PhotoSplit {
  if (photos.length < LEAST_TRAIN + 1) {
    throw bottleneckError(
      'TOO_FEW_PHOTOS',
      `${photos.length === 1 ? 'One photo is' : `${photos.length} photos are`} too few: some are trained on, others are kept back to measure with. A few hundred do well.`,
    )
  }
  if (photos.length - count < LEAST_TRAIN || count < 1) {
    throw bottleneckError(
      'TOO_FEW_PHOTOS',
      `${count} of ${photos.length} photos cannot be kept back: at least one, and ${LEAST_TRAIN} must stay to train on. Use --eval.`,
    )
  }
  const kept = new Set(
    Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * photos.length) / count)),
  )
  return {
    train: photos.filter((_, i) => !kept.has(i)),
    heldOut: photos.filter((_, i) => kept.has(i)),
  }
}

/** How many photos are kept back unless somebody says otherwise: a seventh, 200 at most. */
export const usualHeldOut = (photos: number): number => Math.max(1, Math.min(200, Math.round(photos / 7)))
