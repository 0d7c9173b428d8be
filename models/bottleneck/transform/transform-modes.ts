import { codedMode, type RateMode } from '../modes.ts'

/** A step of the finest and of the coarsest rate, in deviations of the first direction. */
const FINEST = 0.12
const COARSEST = 1

/**
 * `count` modes from the finest rate to the coarsest. All channels have the same step: then those that vary little become zeros that cost next to
 * nothing, which is how bits are best shared out among uncorrelated channels (reverse water-filling). What a code stands for is about the mean of
 * the values that become it: a factor for each channel, by least squares.
 */
export function transformModes(
  latents: Float32Array,
  dims: readonly [number, number, number],
  variances: readonly number[],
  count: number,
): RateMode[] {
  const [channels, height, width] = dims
  const widest = Math.sqrt(variances[0]!) || 1
  return Array.from({ length: count }, (_, at) => {
    const step = widest * FINEST * (COARSEST / FINEST) ** (count === 1 ? 0 : at / (count - 1))
    return codedMode(`split-rate${at + 1}`, latents, dims, {
      gains: new Array<number>(channels).fill(Math.fround(1 / step)),
      inverseGains: centres(latents, channels, height * width, step),
    })
  })
}

/** By what the codes of each channel are best multiplied to give back the values. */
function centres(latents: Float32Array, channels: number, perChannel: number, step: number): number[] {
  return Array.from({ length: channels }, (_, channel) => {
    let [products, squares] = [0, 0]
    for (let begin = channel * perChannel; begin < latents.length; begin += channels * perChannel) {
      for (let at = begin; at < begin + perChannel; at++) {
        const code = Math.round(latents[at]! / step)
        products += code * latents[at]!
        squares += code * code
      }
    }
    return Math.fround(squares > 0 && products > 0 ? products / squares : step)
  })
}
