import { codedMode, type RateMode } from '../modes.ts'

/**
 * A step of the finest and of the coarsest rate, in deviations of the first direction. Finer ones brought no more agreement on the photos
 * that the transform was made from (Inception V3), since what is lost by then are the directions left out.
 */
const FINEST = 0.3
const COARSEST = 1

/**
 * `count` modes from the finest rate to the coarsest. All channels have the same step: then those that vary little become zeros that cost next to
 * nothing, which is how bits are best shared out among uncorrelated channels (reverse water-filling). A code stands for the middle of its
 * step: the mean of the values that become it would be nearer to them, but it is smaller, and what a network sees of small contrasts is then
 * lost.
 */
export function transformModes(
  latents: Float32Array,
  dims: readonly [number, number, number],
  variances: readonly number[],
  count: number,
): RateMode[] {
  const [channels] = dims
  const widest = Math.sqrt(variances[0]!) || 1
  return Array.from({ length: count }, (_, at) => {
    const step = widest * FINEST * (COARSEST / FINEST) ** (count === 1 ? 0 : at / (count - 1))
    return codedMode(`split-rate${at + 1}`, latents, dims, {
      gains: new Array<number>(channels).fill(Math.fround(1 / step)),
    })
  })
}
