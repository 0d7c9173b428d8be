import { blockCosine, inverseBlockCosine } from './operations/block-cosine.ts'
import type { PrepareCorruptor } from './types.ts'

// ITU-T T.81, annex K.1, in reading order.
const luminance = [
  16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22,
  29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103,
  121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
]
const chrominance = [
  17,
  18,
  24,
  47,
  99,
  99,
  99,
  99,
  18,
  21,
  26,
  66,
  99,
  99,
  99,
  99,
  24,
  26,
  56,
  99,
  99,
  99,
  99,
  99,
  47,
  66,
  99,
  99,
  99,
  99,
  99,
  99,
  ...new Array<number>(32).fill(99),
]

/**
 * JPEG and back, with chroma at half the side (4:2:0). Only the steps that lose something are taken: colour
 * conversion, smaller chroma, cosine transform and quantisation, in the order and rounding of libjpeg. Entropy
 * coding loses nothing, so there is no file between, and the result needs neither a codec nor waiting.
 */
export const jpegCompression: PrepareCorruptor<number> = (quality, { height, width }) => {
  const area = height * width
  const halfHeight = (height + 1) >> 1
  const halfWidth = (width + 1) >> 1
  const luma = new Uint8Array(area)
  const fine = [new Uint8Array(area), new Uint8Array(area)] as const
  const coarse = [new Uint8Array(halfHeight * halfWidth), new Uint8Array(halfHeight * halfWidth)] as const
  const lumaSteps = quantisation(luminance, quality)
  const chromaSteps = quantisation(chrominance, quality)
  const sums = new Int32Array(halfWidth)

  return (pixels, out) => {
    for (let i = 0; i < area; i++) {
      const red = pixels[i]!
      const green = pixels[area + i]!
      const blue = pixels[2 * area + i]!
      luma[i] = Math.floor(0.299 * red + 0.587 * green + 0.114 * blue + 0.5)
      fine[0][i] = Math.floor(-0.168735892 * red - 0.331264108 * green + 0.5 * blue + 128.49999)
      fine[1][i] = Math.floor(0.5 * red - 0.418687589 * green - 0.081312411 * blue + 128.49999)
    }
    quantise(luma, height, width, lumaSteps)
    for (let k = 0; k < 2; k++) {
      halve(fine[k]!, height, width, coarse[k]!)
      quantise(coarse[k]!, halfHeight, halfWidth, chromaSteps)
      double(coarse[k]!, height, width, fine[k]!, sums)
    }
    for (let i = 0; i < area; i++) {
      const y = luma[i]!
      const cb = fine[0][i]! - 128
      const cr = fine[1][i]! - 128
      out[i] = clamp(y + Math.floor(1.402 * cr + 0.5))
      out[area + i] = clamp(y + Math.floor(-0.344136286 * cb - 0.714136286 * cr + 0.5))
      out[2 * area + i] = clamp(y + Math.floor(1.772 * cb + 0.5))
    }
  }
}

const clamp = (value: number): number => (value < 0 ? 0 : value > 255 ? 255 : value)

/** The table for a quality of 1 … 100, as libjpeg scales it. */
function quantisation(table: readonly number[], quality: number): Float64Array {
  const percent = quality < 50 ? Math.floor(5000 / quality) : 200 - 2 * quality
  return Float64Array.from(table, (step) =>
    Math.min(255, Math.max(1, Math.floor((step * percent + 50) / 100))),
  )
}

/** Rounds, halves away from zero; halves are frequent, so that a rounding error must not decide. */
const wholeSteps = (ratio: number): number => {
  const whole = Math.floor(Math.abs(ratio) + 0.5 + 1e-9)
  return ratio < 0 ? -whole : whole
}

const block = new Float64Array(64)

/** Each 8×8 block to whole multiples of `steps` and back, in place; the last row and column fill the blocks up. */
function quantise(plane: Uint8Array, height: number, width: number, steps: Float64Array): void {
  for (let top = 0; top < height; top += 8) {
    for (let left = 0; left < width; left += 8) {
      for (let k = 0; k < 64; k++) {
        const y = Math.min(top + (k >> 3), height - 1)
        block[k] = plane[y * width + Math.min(left + (k & 7), width - 1)]! - 128
      }
      blockCosine(block)
      for (let k = 0; k < 64; k++) block[k] = wholeSteps(block[k]! / steps[k]!) * steps[k]!
      inverseBlockCosine(block)
      const rows = Math.min(8, height - top)
      const columns = Math.min(8, width - left)
      for (let y = 0; y < rows; y++) {
        const to = (top + y) * width + left
        for (let x = 0; x < columns; x++) plane[to + x] = clamp(Math.floor(block[y * 8 + x]! + 128.5))
      }
    }
  }
}

/** Means of 2×2 pixels, rounded down and up by turns. */
function halve(plane: Uint8Array, height: number, width: number, out: Uint8Array): void {
  const halfWidth = (width + 1) >> 1
  for (let y = 0; y < height; y += 2) {
    const upper = y * width
    const lower = Math.min(y + 1, height - 1) * width
    for (let x = 0; x < width; x += 2) {
      const right = Math.min(x + 1, width - 1)
      const sum = plane[upper + x]! + plane[upper + right]! + plane[lower + x]! + plane[lower + right]!
      out[(y >> 1) * halfWidth + (x >> 1)] = (sum + 1 + ((x >> 1) & 1)) >> 2
    }
  }
}

/** libjpeg's "fancy" upsampling: three parts of the nearer, one part of the farther pixel, along each axis. */
function double(plane: Uint8Array, height: number, width: number, out: Uint8Array, sums: Int32Array): void {
  const halfHeight = (height + 1) >> 1
  const halfWidth = (width + 1) >> 1
  // libjpeg repeats pixels where there are too few to mix.
  const mixes = halfWidth > 2
  for (let y = 0; y < height; y++) {
    const near = (y >> 1) * halfWidth
    const other = Math.min(halfHeight - 1, Math.max(0, (y >> 1) + (y & 1 ? 1 : -1))) * halfWidth
    const to = y * width
    if (!mixes) {
      for (let x = 0; x < width; x++) out[to + x] = plane[near + (x >> 1)]!
      continue
    }
    for (let x = 0; x < halfWidth; x++) sums[x] = 3 * plane[near + x]! + plane[other + x]!
    for (let x = 0; x < width; x++) {
      const half = x >> 1
      const beside = Math.min(halfWidth - 1, Math.max(0, half + (x & 1 ? 1 : -1)))
      out[to + x] = (3 * sums[half]! + sums[beside]! + (x & 1 ? 7 : 8)) >> 4
    }
  }
}
