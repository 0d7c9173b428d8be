import type { RgbFrame } from '@isthmus/device-sdk'
import { type LabelledImages, loadCifar10WithProgress, sliceImages } from '@isthmus/models/data'

/** Photographs that a device can be given one by one, and what is on them. */
export interface Photographs {
  readonly frames: readonly RgbFrame[]
  /** Class index of each. */
  readonly labels: readonly number[]
}

/**
 * The first `count` photographs of CIFAR-10's test set. Downloads the set once (139 MB), with a progress bar.
 * Throws DATA_UNREACHABLE without a network, saying what to do.
 */
export async function testPhotographs(count: number): Promise<Photographs> {
  const { test } = await loadCifar10WithProgress()
  const images = sliceImages(test, 0, count)
  return {
    frames: Array.from({ length: images.count }, (_, index) => rgbFrame(images, index)),
    labels: [...images.labels],
  }
}

/** One image, from planes of red, green and blue to pixels. */
export function rgbFrame({ pixels, width, height }: LabelledImages, index: number): RgbFrame {
  const area = width * height
  const from = 3 * area * index
  const data = new Uint8Array(3 * area)
  for (let pixel = 0; pixel < area; pixel++) {
    for (let channel = 0; channel < 3; channel++) {
      data[3 * pixel + channel] = pixels[from + channel * area + pixel]!
    }
  }
  return { data, width, height }
}
