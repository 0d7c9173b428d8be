import { type Random, seededRandom } from '../random.ts'

/** Height and width of a texture, in pixels. A power of two is not needed; an odd multiple of 5 reads well at a fifth. */
export const frostTextureSide = 1000

const side = frostTextureSide
const cache: (Uint8Array | undefined)[] = []

/**
 * Frost number `index`, 0 … 4: `[side, side, 3]` uint8, RGB, without a visible edge where it repeats. The published
 * sets photograph real frost; these are drawn: feathers of ice grow from random places, each a spine with branches
 * at 60° and barbs on them, over a pale, cloudy ground. Drawn once per process, some tenths of a second each, the
 * same in every run.
 */
export function frostTexture(index: number): Uint8Array {
  cache[index] ??= draw(index)
  return cache[index]
}

function draw(index: number): Uint8Array {
  const random = seededRandom(0xf2057, index)
  const ice = new Float32Array(side * side)
  const feathers = 95 + 30 * index
  for (let k = 0; k < feathers; k++) {
    const length = (0.12 + 0.3 * random.uniform()) * side
    const [x, y] = [random.uniform() * side, random.uniform() * side]
    feather(ice, x, y, random.uniform() * 2 * Math.PI, length, 2, random)
  }
  const ground = clouds(index)
  const texture = new Uint8Array(3 * side * side)
  for (let i = 0; i < ice.length; i++) {
    const cloud = 1.9 * (ground[i]! - 0.48)
    const level = 0.3 + 0.55 * cloud + (0.75 + 0.5 * cloud) * (1 - Math.exp(-0.75 * ice[i]!))
    const white = Math.min(1, Math.max(0.02, level + 0.1 * (random.uniform() - 0.5)))
    // Thin ice is bluish, thick ice white.
    texture[3 * i] = 255 * white ** 1.25
    texture[3 * i + 1] = 255 * white ** 1.1
    texture[3 * i + 2] = 255 * white ** 0.95
  }
  return texture
}

/** Draws a bent spine and its branches; `depth` 0 is a barb without branches. */
function feather(
  ice: Float32Array,
  x: number,
  y: number,
  direction: number,
  length: number,
  depth: number,
  random: Random,
): void {
  const bend = (0.8 * (random.uniform() - 0.5)) / side
  const spacing = depth === 2 ? 22 : 12
  let angle = direction
  let nextBranch = spacing * random.uniform()
  for (let step = 0; step < length; step++) {
    const left = 1 - step / length
    dot(ice, x, y, (0.7 + 0.4 * depth) * left)
    if (depth > 0) dot(ice, x + 1, y + 1, (0.3 + 0.4 * depth) * left)
    x += Math.cos(angle)
    y += Math.sin(angle)
    angle += bend
    if (depth === 0 || step < nextBranch) continue
    nextBranch += spacing * (0.5 + random.uniform())
    for (const turn of [-Math.PI / 3, Math.PI / 3]) {
      const reach = (0.15 + 0.4 * random.uniform()) * length * left
      feather(ice, x, y, angle + turn + 0.2 * (random.uniform() - 0.5), reach, depth - 1, random)
    }
  }
}

/** Adds `amount` at (x, y), shared among the four pixels around it. */
function dot(ice: Float32Array, x: number, y: number, amount: number): void {
  const left = Math.floor(x)
  const top = Math.floor(y)
  const across = x - left
  const down = y - top
  for (let k = 0; k < 4; k++) {
    const column = (((left + (k & 1)) % side) + side) % side
    const row = (((top + (k >> 1)) % side) + side) % side
    const share = (k & 1 ? across : 1 - across) * (k >> 1 ? down : 1 - down)
    ice[row * side + column] = ice[row * side + column]! + amount * share
  }
}

/** Smooth noise in 0 … 1 that repeats: random values on grids of 4, 8, 16, 32 and 64 a side, mixed smoothly. */
function clouds(index: number): Float32Array {
  const out = new Float32Array(side * side)
  let weight = 0.5
  for (let cells = 4; cells <= 64; cells *= 2) {
    const random = seededRandom(0xc10d5, index, cells)
    const grid = Float32Array.from({ length: cells * cells }, () => random.uniform())
    for (let y = 0; y < side; y++) {
      const gridY = (y * cells) / side
      const top = Math.floor(gridY)
      const down = smooth(gridY - top)
      const upper = top * cells
      const lower = ((top + 1) % cells) * cells
      for (let x = 0; x < side; x++) {
        const gridX = (x * cells) / side
        const left = Math.floor(gridX)
        const right = (left + 1) % cells
        const across = smooth(gridX - left)
        const above = grid[upper + left]! * (1 - across) + grid[upper + right]! * across
        const below = grid[lower + left]! * (1 - across) + grid[lower + right]! * across
        out[y * side + x] = out[y * side + x]! + weight * (above * (1 - down) + below * down)
      }
    }
    weight /= 2
  }
  return out
}

const smooth = (share: number): number => share * share * (3 - 2 * share)
