/** One end of a range of rates: gain at the start of the training, and the price of a bit in nats. */
export interface Tier {
  readonly gain: number
  readonly bitPrice: number
}

/** The finest and the coarsest rate of the encoder that ships (`models/recipes/rate-tiers.ts`). */
export const fine: Tier = { gain: 1.6, bitPrice: 3e-5 }
export const coarse: Tier = { gain: 0.28, bitPrice: 1e-3 }

/** One encoder with its decoder: for one operating point, or for all. */
export interface Member {
  readonly name: string
  readonly meaning: string
  readonly widths: readonly number[]
  /** How many images of a batch go through each width. */
  readonly rows: readonly number[]
  /** Rates between the first and the last. */
  readonly tiers: readonly Tier[]
  /** So many images of the first width lose all channels from a random one on. */
  readonly prefixRows: number
}

export const batch = 128

const fixed = (name: string, meaning: string, width: number, tier: Tier): Member => ({
  name,
  meaning,
  widths: [width],
  rows: [batch],
  tiers: [tier],
  prefixRows: 0,
})

/** Rows and prefixes of the slimmable one as in `models/recipes/slimmable-training.ts`. */
export const members: readonly Member[] = [
  {
    name: 'slimmable',
    meaning: 'two widths, all rates and any prefix in one',
    widths: [1, 0.5],
    rows: [104, 24],
    tiers: [fine, coarse],
    prefixRows: 8,
  },
  fixed('fixed-wide-fine', 'wide, the finest rate', 1, fine),
  fixed('fixed-wide-coarse', 'wide, the coarsest rate', 1, coarse),
  fixed('fixed-narrow-fine', 'narrow, the finest rate', 0.5, fine),
  fixed('fixed-narrow-coarse', 'narrow, the coarsest rate', 0.5, coarse),
]
