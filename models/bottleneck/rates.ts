/** One end, or a stop on the way, of the range of rates that one encoder serves. */
export interface RateTier {
  /** By what the latent's channels (unit variance) are multiplied before they are rounded, at first. */
  readonly gain: number
  /** What a bit costs in the loss, for each value of the latent: the price of a whole latent at one bit a value. */
  readonly price: number
}

/** From fine to coarse. At the optimum of a fine quantiser a price falls with the square of the gain. */
export const rateTiers: readonly RateTier[] = [
  { gain: 3.2, price: 0.006 },
  { gain: 1.8, price: 0.02 },
  { gain: 1, price: 0.06 },
  { gain: 0.56, price: 0.2 },
]

/** How much of each tier a rate is: `place` from 0 (the first tier) to the last one's index, neighbours blended. */
export function mixAt(place: number, tiers: number): Float32Array {
  const mix = new Float32Array(tiers)
  const tier = Math.min(Math.max(0, tiers - 2), Math.floor(place))
  mix[tier] = 1 - (place - tier)
  if (tier + 1 < tiers) mix[tier + 1] = place - tier
  return mix
}

/** The price of a bit at a place between tiers: geometric, as the gain is. */
export function priceAt(place: number, tiers: readonly RateTier[]): number {
  const mix = mixAt(place, tiers.length)
  return tiers.reduce((price, tier, at) => price * tier.price ** mix[at]!, 1)
}
