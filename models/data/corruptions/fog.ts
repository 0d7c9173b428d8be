import type { Random } from '../random.ts'
import { toByte, unitOf } from './operations/unit-range.ts'
import type { PrepareCorruptor } from './types.ts'

/** Fog in the shape of a plasma fractal. The map's side is the power of two that holds the image: 32 px or 256 px. */
export const fog: PrepareCorruptor<readonly [number, number]> = (
  [amount, wibbleDecay],
  { height, width },
) => {
  const area = height * width
  const side = 2 ** Math.ceil(Math.log2(Math.max(height, width)))
  const map = new Float64Array(side * side)

  return (pixels, out, random) => {
    plasmaFractal(map, side, wibbleDecay, random)
    let brightest = 0
    for (let i = 0; i < pixels.length; i++) brightest = Math.max(brightest, pixels[i]!)
    const dim = brightest / 255 / (brightest / 255 + amount)
    for (let channel = 0; channel < 3; channel++) {
      for (let y = 0; y < height; y++) {
        const at = channel * area + y * width
        for (let x = 0; x < width; x++) {
          out[at + x] = toByte((unitOf[pixels[at + x]!]! + amount * map[y * side + x]!) * dim)
        }
      }
    }
  }
}

/**
 * The diamond-square fractal on a torus, `[side, side]`, in 0 … 1. Each step halves the grid: middles of squares,
 * then middles of edges, become the mean of their four neighbours plus wibble·U(-wibble, wibble), so that the noise
 * is the square of the wibble, which begins at 100 and is divided by `decay` each time.
 */
export function plasmaFractal(map: Float64Array, side: number, decay: number, random: Random): void {
  const wrap = side - 1
  let wibble = 100
  map[0] = 0
  for (let step = side; step >= 2; step /= 2) {
    const half = step / 2
    const noise = 2 * wibble * wibble
    for (let y = half; y < side; y += step) {
      for (let x = half; x < side; x += step) {
        const above = (y - half) * side
        const below = ((y + half) & wrap) * side
        const left = x - half
        const right = (x + half) & wrap
        const sum = map[above + left]! + map[above + right]! + map[below + left]! + map[below + right]!
        map[y * side + x] = sum / 4 + noise * (random.uniform() - 0.5)
      }
    }
    for (let y = 0; y < side; y += half) {
      for (let x = y % step === 0 ? half : 0; x < side; x += step) {
        const sum =
          map[((y - half) & wrap) * side + x]! +
          map[((y + half) & wrap) * side + x]! +
          map[y * side + ((x - half) & wrap)]! +
          map[y * side + ((x + half) & wrap)]!
        map[y * side + x] = sum / 4 + noise * (random.uniform() - 0.5)
      }
    }
    wibble /= decay
  }
  let lowest = map[0]!
  let highest = map[0]!
  for (let i = 1; i < map.length; i++) {
    lowest = Math.min(lowest, map[i]!)
    highest = Math.max(highest, map[i]!)
  }
  const range = highest - lowest
  for (let i = 0; i < map.length; i++) map[i] = range === 0 ? 0 : (map[i]! - lowest) / range
}
