/** Spreads pixel values so that their cumulative histogram is straight, in place, as OpenCV's `equalizeHist`. */
export function equalise(plane: Uint8Array): void {
  const histogram = new Uint32Array(256)
  for (let i = 0; i < plane.length; i++) histogram[plane[i]!] = histogram[plane[i]!]! + 1
  const lowest = histogram.findIndex((count) => count > 0)
  const rest = plane.length - histogram[lowest]!
  if (rest === 0) return
  const level = new Uint8Array(256)
  let sum = 0
  for (let value = lowest + 1; value < 256; value++) {
    sum += histogram[value]!
    level[value] = Math.round((255 * sum) / rest)
  }
  for (let i = 0; i < plane.length; i++) plane[i] = level[plane[i]!]!
}
