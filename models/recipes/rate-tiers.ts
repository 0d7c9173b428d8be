import type { RateTier } from '../slimmable/index.ts'

/** From fine to coarse; a latent's channels have unit variance, so a gain of 1 rounds to about two bits a value. */
export const rateTiers: readonly RateTier[] = [
  { gain: 2, bitPrice: 1.9e-5 },
  { gain: 0.9, bitPrice: 1e-4 },
  { gain: 0.5, bitPrice: 3e-4 },
  { gain: 0.28, bitPrice: 1e-3 },
]
