import { type LabelledImages, sliceImages } from '../data/index.ts'

/** Training images that a gate is not trained on: its thresholds and its temperature are chosen there. */
export const HELD_OUT = 5000

/** The training set in two: the last images are held out. The test set is for reports only. */
export function holdOut(train: LabelledImages): { fit: LabelledImages; heldOut: LabelledImages } {
  const end = train.count - HELD_OUT
  return { fit: sliceImages(train, 0, end), heldOut: sliceImages(train, end, train.count) }
}
