import type { Random } from './random.ts'

/** How far each way of changing an image may go. Pixel values are 0 to 1. */
export interface MixedViewOptions {
  /** Chains of changes that are mixed. Default 3. */
  readonly width?: number
  /** Changes one after another in a chain, at most. Default 3. */
  readonly depth?: number
  /** Standard deviation of a filter's random taps, at most. Default 0.5. */
  readonly filter?: number
  /** Standard deviation of a colour curve's change, at most. Default 0.2. */
  readonly colour?: number
  /** Displacement in pixels, at most. Default 2. */
  readonly move?: number
}

/**
 * Changes an image [3, height, width] of values 0 to 1 in place: random filters, random colour curves and random smooth
 * displacements, in chains, mixed with each other and with the image. A network trained on such views keeps its accuracy better
 * under changes that it was not trained on. Mixing after AugMix (Hendrycks et al. 2020), kinds of change after PRIME
 * (Modas et al. 2022): none of them is one of the corruptions that such networks are tested with.
 */
export type MixView = (image: Float32Array, random: Random) => void

/** Makes a {@link MixView} for images of one size. The work space is its own: one for each thread. */
export function mixedViews(height: number, width: number, options: MixedViewOptions = {}): MixView {
  const { width: chains = 3, depth = 3, filter = 0.5, colour = 0.2, move = 2 } = options
  const size = 3 * height * width
  const [mixture, from, to] = [new Float32Array(size), new Float32Array(size), new Float32Array(size)]
  const changes = [
    (x: Float32Array, out: Float32Array, random: Random) => filtered(x, out, height, width, filter, random),
    (x: Float32Array, out: Float32Array, random: Random) =>
      recoloured(x, out, height * width, colour, random),
    (x: Float32Array, out: Float32Array, random: Random) => moved(x, out, height, width, move, random),
  ]
  return (image, random) => {
    // Dirichlet(1, ..., 1): exponentials over their sum; Beta(1, 1) is uniform.
    const weights = Array.from({ length: chains }, () => -Math.log(1 - random.uniform()))
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    const kept = random.uniform()
    for (let at = 0; at < size; at++) mixture[at] = kept * image[at]!
    for (const weight of weights) {
      let [now, next] = [from, to]
      now.set(image)
      for (let steps = 1 + random.below(depth); steps > 0; steps--) {
        changes[random.below(changes.length)]!(now, next, random)
        ;[now, next] = [next, now]
      }
      const share = ((1 - kept) * weight) / total
      for (let at = 0; at < size; at++) mixture[at]! += share * now[at]!
    }
    image.set(mixture)
  }
}

const clipped = (value: number): number => (value < 0 ? 0 : value > 1 ? 1 : value)

/** A 3×3 filter near the identity, another one for each plane; edges are repeated. */
function filtered(
  x: Float32Array,
  out: Float32Array,
  height: number,
  width: number,
  most: number,
  random: Random,
): void {
  const spread = most * random.uniform()
  const taps = new Float32Array(9)
  for (let plane = 0; plane < 3; plane++) {
    for (let tap = 0; tap < 9; tap++) taps[tap] = (tap === 4 ? 1 : 0) + spread * random.normal()
    const start = plane * height * width
    for (let row = 0; row < height; row++) {
      const above = start + Math.max(0, row - 1) * width
      const here = start + row * width
      const below = start + Math.min(height - 1, row + 1) * width
      for (let column = 0; column < width; column++) {
        const left = Math.max(0, column - 1)
        const right = Math.min(width - 1, column + 1)
        out[here + column] = clipped(
          taps[0]! * x[above + left]! +
            taps[1]! * x[above + column]! +
            taps[2]! * x[above + right]! +
            taps[3]! * x[here + left]! +
            taps[4]! * x[here + column]! +
            taps[5]! * x[here + right]! +
            taps[6]! * x[below + left]! +
            taps[7]! * x[below + column]! +
            taps[8]! * x[below + right]!,
        )
      }
    }
  }
}

const WAVES = 6
const CURVE_STEPS = 255

/** Each plane through a curve of its own: v + a sum of sine waves of v that vanish at both ends. */
function recoloured(x: Float32Array, out: Float32Array, area: number, most: number, random: Random): void {
  const spread = (most * random.uniform()) / Math.sqrt(WAVES / 2)
  const curve = new Float32Array(CURVE_STEPS + 1)
  for (let plane = 0; plane < 3; plane++) {
    const heights = Array.from({ length: WAVES }, () => spread * random.normal())
    for (let step = 0; step <= CURVE_STEPS; step++) {
      const value = step / CURVE_STEPS
      let sum = value
      for (let wave = 0; wave < WAVES; wave++) sum += heights[wave]! * Math.sin(Math.PI * (wave + 1) * value)
      curve[step] = clipped(sum)
    }
    for (let at = plane * area; at < (plane + 1) * area; at++)
      out[at] = curve[Math.round(CURVE_STEPS * clipped(x[at]!))]!
  }
}

/** Every point moved by a smooth random field, two waves in each direction; bilinear, edges are repeated. */
function moved(
  x: Float32Array,
  out: Float32Array,
  height: number,
  width: number,
  most: number,
  random: Random,
): void {
  const reach = most * random.uniform()
  const waves = Array.from({ length: 4 }, () => ({
    fx: 2 * Math.PI * random.uniform() * 1.5,
    fy: 2 * Math.PI * random.uniform() * 1.5,
    phase: 2 * Math.PI * random.uniform(),
    height: (reach * random.normal()) / Math.SQRT2,
  }))
  const area = height * width
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      let [dx, dy] = [0, 0]
      for (let wave = 0; wave < 4; wave++) {
        const { fx, fy, phase, height: tall } = waves[wave]!
        const push = tall * Math.sin((fx * column) / width + (fy * row) / height + phase)
        if (wave < 2) dx += push
        else dy += push
      }
      const px = Math.min(width - 1, Math.max(0, column + dx))
      const py = Math.min(height - 1, Math.max(0, row + dy))
      const [left, top] = [Math.floor(px), Math.floor(py)]
      const [right, bottom] = [Math.min(width - 1, left + 1), Math.min(height - 1, top + 1)]
      const [ax, ay] = [px - left, py - top]
      for (let plane = 0; plane < 3; plane++) {
        const start = plane * area
        const upper = (1 - ax) * x[start + top * width + left]! + ax * x[start + top * width + right]!
        const lower = (1 - ax) * x[start + bottom * width + left]! + ax * x[start + bottom * width + right]!
        out[start + row * width + column] = (1 - ay) * upper + ay * lower
      }
    }
  }
}
