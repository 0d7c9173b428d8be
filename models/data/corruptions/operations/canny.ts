import type { ImageSize } from '../types.ts'

// tan(22.5°) and tan(67.5°): between them, an edge runs along a diagonal.
const flat = Math.tan(Math.PI / 8)
const steep = Math.tan((3 * Math.PI) / 8)

/**
 * Canny's edges of a plane of pixel values, as OpenCV finds them: Sobel 3×3, |gx| + |gy|, thin ridges, and every chain
 * that is at least `low` and somewhere above `high`.
 *
 * @returns 1 on edges, `[height, width]`
 */
export function cannyEdges(
  plane: ArrayLike<number>,
  { height, width }: ImageSize,
  low: number,
  high: number,
): Uint8Array {
  const across = new Float64Array(height * width)
  const down = new Float64Array(height * width)
  const strength = new Float64Array((height + 2) * (width + 2))
  const stride = width + 2
  for (let y = 0; y < height; y++) {
    const above = Math.max(0, y - 1) * width
    const at = y * width
    const below = Math.min(height - 1, y + 1) * width
    for (let x = 0; x < width; x++) {
      const left = Math.max(0, x - 1)
      const right = Math.min(width - 1, x + 1)
      const gx =
        plane[above + right]! -
        plane[above + left]! +
        2 * (plane[at + right]! - plane[at + left]!) +
        plane[below + right]! -
        plane[below + left]!
      const gy =
        plane[below + left]! -
        plane[above + left]! +
        2 * (plane[below + x]! - plane[above + x]!) +
        plane[below + right]! -
        plane[above + right]!
      across[at + x] = gx
      down[at + x] = gy
      strength[(y + 1) * stride + x + 1] = Math.abs(gx) + Math.abs(gy)
    }
  }

  // 2: a ridge above `high`; 1: a ridge above `low`, an edge only if a chain leads to one of 2.
  const ridges = new Uint8Array(height * width)
  const chain: number[] = []
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x
      const here = (y + 1) * stride + x + 1
      const value = strength[here]!
      if (value <= low || !isRidge(strength, here, stride, across[at]!, down[at]!)) continue
      ridges[at] = value > high ? 2 : 1
      if (value > high) chain.push(at)
    }
  }
  const edges = new Uint8Array(height * width)
  for (const at of chain) edges[at] = 1
  for (let at = chain.pop(); at !== undefined; at = chain.pop()) {
    const y = Math.floor(at / width)
    const x = at % width
    for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++) {
      for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
        const next = ny * width + nx
        if (ridges[next] === 0 || edges[next] === 1) continue
        edges[next] = 1
        chain.push(next)
      }
    }
  }
  return edges
}

/** Whether the gradient is strongest here, along its own direction. On a plateau the first pixel wins. */
function isRidge(strength: Float64Array, here: number, stride: number, gx: number, gy: number): boolean {
  const value = strength[here]!
  const ax = Math.abs(gx)
  const ay = Math.abs(gy)
  if (ay < ax * flat) return value > strength[here - 1]! && value >= strength[here + 1]!
  if (ay > ax * steep) return value > strength[here - stride]! && value >= strength[here + stride]!
  const slant = gx < 0 !== gy < 0 ? -1 : 1
  return value > strength[here - stride - slant]! && value > strength[here + stride + slant]!
}
