/** Labelled photographs of one size, in memory. */
export interface LabelledImages {
  count: number
  channels: 3
  height: number
  width: number
  /** RGB, planar, `[count, channels, height, width]` uint8. */
  pixels: Uint8Array
  /** Class index of each image, `[count]`. */
  labels: Uint8Array
}

/** Images `from` (inclusive) to `to` (exclusive), as a view of the same memory. */
export function sliceImages(images: LabelledImages, from: number, to: number): LabelledImages {
  const first = Math.min(Math.max(0, from), images.count)
  const end = Math.min(Math.max(first, to), images.count)
  const size = images.channels * images.height * images.width
  return {
    ...images,
    count: end - first,
    pixels: images.pixels.subarray(first * size, end * size),
    labels: images.labels.subarray(first, end),
  }
}
