import { pixelReader } from '@isthmus/models/adapt'
import type { LabelledImages } from '@isthmus/models/data'
import { argmax } from '@isthmus/models/train'
import type { Method } from './method.ts'
import { type AdaptNetworks, pixelsOf } from './networks.ts'

/** What became of every image of a stream: all figures are computed from this. One entry an image, in the stream's order. */
export interface Played {
  /** Place in the test set. */
  readonly index: Uint16Array
  readonly label: Uint8Array
  readonly prediction: Uint8Array
  /** In nats. */
  readonly entropy: Float32Array
  /** 1: learned from, or sent up. */
  readonly selected: Uint8Array
  /** Of the parameters that answered. */
  readonly version: Uint32Array
}

/** Shows a stream to a method, batch by batch. A last batch that is not full is left out. */
export async function play(
  method: Method,
  networks: AdaptNetworks,
  stream: LabelledImages,
  index: ArrayLike<number>,
): Promise<Played> {
  const { student, mean, std } = networks
  const reader = pixelReader(student.imageDims, mean, std)
  const batches = Math.floor(stream.count / method.batch)
  const count = batches * method.batch
  const played: Played = {
    index: Uint16Array.from({ length: count }, (_, at) => index[at]!),
    label: stream.labels.slice(0, count),
    prediction: new Uint8Array(count),
    entropy: new Float32Array(count),
    selected: new Uint8Array(count),
    version: new Uint32Array(count),
  }
  for (let first = 0; first < count; first += method.batch) {
    const pixels = Array.from({ length: method.batch }, (_, row) => pixelsOf(stream, first + row))
    played.version.fill(method.version, first, first + method.batch)
    const answer = await method.answer(reader.batch(pixels, student), pixels)
    for (let row = 0; row < method.batch; row++)
      played.prediction[first + row] = argmax(answer.logits, row * student.classes, student.classes)
    played.entropy.set(answer.entropy, first)
    played.selected.set(answer.selected, first)
  }
  return played
}

/** Share of wrong answers, in percent. */
export function errorPct({ label, prediction }: Pick<Played, 'label' | 'prediction'>): number {
  let wrong = 0
  for (let at = 0; at < label.length; at++) if (label[at] !== prediction[at]) wrong++
  return (100 * wrong) / label.length
}

/** Share of images that were learned from or sent up. */
export const selectedShare = ({ selected }: Played): number =>
  selected.reduce((sum, flag) => sum + flag, 0) / selected.length
