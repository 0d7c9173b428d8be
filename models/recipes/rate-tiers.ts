/** One end of the range of rates that gain vectors blend between. */
export interface RateTier {
  /** The gain of every channel before training. */
  readonly gain: number
  /** What a bit costs in the training's loss, in nats. */
  readonly bitPrice: number
}

/** From fine to coarse; a latent's channels have unit variance, so a gain of 1 rounds to about two bits a value. */
export const rateTiers: readonly RateTier[] = [
  { gain: 2.4, bitPrice: 2e-5 },
  { gain: 1.3, bitPrice: 8e-5 },
  { gain: 0.75, bitPrice: 2.5e-4 },
  { gain: 0.4, bitPrice: 8e-4 },
]
