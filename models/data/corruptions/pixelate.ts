import type { ImageSize, PrepareCorruptor } from './types.ts'

/** Coarse pixels: made smaller and larger again, both with Pillow's box filter. */
export const pixelate: PrepareCorruptor<number> = (share, { height, width }) => {
  const small = {
    height: Math.max(1, Math.floor(height * share)),
    width: Math.max(1, Math.floor(width * share)),
  }
  const shrink = boxResize({ height, width }, small)
  const grow = boxResize(small, { height, width })
  const fewer = new Uint8Array(small.height * small.width)
  return (pixels, out) => {
    const area = height * width
    for (let first = 0; first < 3 * area; first += area) {
      shrink(pixels.subarray(first, first + area), fewer)
      grow(fewer, out.subarray(first, first + area))
    }
  }
}

/** Rows first, then columns, each rounded to whole pixel values. */
function boxResize(from: ImageSize, to: ImageSize): (plane: Uint8Array, out: Uint8Array) => void {
  const columns = boxes(from.width, to.width)
  const rows = boxes(from.height, to.height)
  const between = new Uint8Array(from.height * to.width)
  return (plane, out) => {
    for (let x = 0; x < to.width; x++) {
      const { first, end } = columns[x]!
      for (let y = 0; y < from.height; y++) {
        let sum = 0
        for (let k = first; k < end; k++) sum += plane[y * from.width + k]!
        between[y * to.width + x] = Math.floor(sum / (end - first) + 0.5)
      }
    }
    for (let y = 0; y < to.height; y++) {
      const { first, end } = rows[y]!
      for (let x = 0; x < to.width; x++) {
        let sum = 0
        for (let k = first; k < end; k++) sum += between[k * to.width + x]!
        out[y * to.width + x] = Math.floor(sum / (end - first) + 0.5)
      }
    }
  }
}

/** The source pixels of each result: those whose centre lies in its box, all of the same weight. */
function boxes(from: number, to: number): { first: number; end: number }[] {
  const scale = from / to
  const reach = Math.max(scale, 1) / 2
  return Array.from({ length: to }, (_, k) => {
    const centre = (k + 0.5) * scale
    const first = Math.max(0, Math.floor(centre - reach + 0.5))
    return { first, end: Math.min(from, Math.max(first + 1, Math.floor(centre + reach + 0.5))) }
  })
}
