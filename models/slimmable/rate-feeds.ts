import { seededRandom } from '../data/index.ts'
import type { Tensor } from '../runtime/index.ts'
import type { Family } from './family.ts'

/** What a step of `fineTuningStep` takes for each image beside it: rate, price of a bit, channels kept, rounding noise. */
export function rateFeeds(family: Family, seed: number): (step: number) => Record<string, Tensor> {
  const { batch, tiers, encoder, plane, widths, prefixRows, fineBias } = family
  const channels = encoder.latent
  const dims = [channels, ...plane]
  const firstRows = widths[0]!.rows
  const mix = new Float32Array(batch * tiers.length)
  const price = new Float32Array(batch)
  const kept = new Float32Array(batch * channels)
  const noise = new Float32Array(batch * channels * plane[0] * plane[1])
  return (step) => {
    const random = seededRandom(seed, 77, step)
    mix.fill(0)
    kept.fill(1)
    for (let row = 0; row < batch; row++) {
      const place = tiers.length === 1 ? 0 : random.uniform() ** fineBias * (tiers.length - 1)
      const tier = Math.max(0, Math.min(tiers.length - 2, Math.floor(place)))
      const share = place - tier
      const next = Math.min(tier + 1, tiers.length - 1)
      mix[row * tiers.length + tier]! += 1 - share
      mix[row * tiers.length + next]! += share
      price[row] = tiers[tier]!.bitPrice ** (1 - share) * tiers[next]!.bitPrice ** share
      if (row < firstRows && row >= firstRows - prefixRows)
        kept.fill(0, row * channels + 1 + random.below(channels - 1), (row + 1) * channels)
    }
    for (let at = 0; at < noise.length; at++) noise[at] = random.uniform() - 0.5
    return {
      mix: { dtype: 'float32', dims: [batch, tiers.length], data: mix },
      price: { dtype: 'float32', dims: [batch, 1], data: price },
      kept: { dtype: 'float32', dims: [batch, channels], data: kept },
      noise: { dtype: 'float32', dims: [batch, ...dims], data: noise },
    }
  }
}
