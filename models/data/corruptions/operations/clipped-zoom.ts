import type { ImageSize } from '../types.ts'

/** Adds the zoomed `plane` to `out`, both `[height, width]`, another array. */
export type ZoomInto = (plane: Float64Array, out: Float64Array) => void

/**
 * The middle of a plane, enlarged `factor` times to the plane's own size: crops ceil(side / factor), interpolates
 * linearly with the corner pixels on the corners (SciPy's `zoom` of order 1), and trims what is too much evenly.
 */
export function clippedZoom({ height, width }: ImageSize, factor: number): ZoomInto {
  const rows = zoomedAxis(height, factor)
  const columns = zoomedAxis(width, factor)
  const line = new Float64Array(width)

  const { near: lefts, far: rights, share: parts } = columns
  const { near: aboves, far: belows, share: steps } = rows
  const first = lefts[0]!
  const last = rights[width - 1]!

  return (plane, out) => {
    for (let y = 0; y < height; y++) {
      const above = aboves[y]! * width
      const below = belows[y]! * width
      const step = steps[y]!
      for (let x = first; x <= last; x++) {
        const upper = plane[above + x]!
        line[x] = upper + step * (plane[below + x]! - upper)
      }
      const to = y * width
      for (let x = 0; x < width; x++) {
        const left = line[lefts[x]!]!
        out[to + x] = out[to + x]! + left + parts[x]! * (line[rights[x]!]! - left)
      }
    }
  }
}

/** Per position of the result: the two source positions and the share of the far one. */
function zoomedAxis(size: number, factor: number) {
  const crop = Math.ceil(size / factor)
  const start = (size - crop) >> 1
  // SciPy takes Python's rounding: halves go to the even number.
  const wanted = crop * factor
  const zoomed = wanted % 1 === 0.5 ? 2 * Math.round(wanted / 2) : Math.round(wanted)
  const trim = Math.max(0, (zoomed - size) >> 1)
  const step = zoomed > 1 ? (crop - 1) / (zoomed - 1) : 0
  const near = new Int32Array(size)
  const far = new Int32Array(size)
  const share = new Float64Array(size)
  for (let i = 0; i < size; i++) {
    const position = Math.min((i + trim) * step, crop - 1)
    const whole = Math.floor(position)
    near[i] = start + whole
    far[i] = start + Math.min(whole + 1, crop - 1)
    share[i] = position - whole
  }
  return { near, far, share }
}
