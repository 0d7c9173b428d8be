import type { Family, RateTier } from '@isthmus/models/slimmable'
import { latentDims } from '../variants/graphs.ts'

/** The finest and the coarsest rate of the encoder that ships (`models/recipes/rate-tiers.ts`). */
const fine: RateTier = { gain: 2, bitPrice: 1.9e-5 }
const coarse: RateTier = { gain: 0.28, bitPrice: 1e-3 }

/**
 * At the same price of a bit an encoder for all rates ends at other bytes than one for that price alone: it reaches a little beyond both, so that there
 * is no fixed one that it has no rate for.
 */
const range: readonly RateTier[] = [
  { gain: 2.2, bitPrice: 1.6e-5 },
  { gain: 0.2, bitPrice: 2.2e-3 },
]

/** One encoder with its decoder: for one operating point, or for all. */
export interface Member {
  readonly name: string
  readonly meaning: string
  readonly widths: Family['widths']
  readonly tiers: readonly RateTier[]
  readonly prefixRows: number
}

export const batch = 128

const [channels, ...plane] = latentDims

/** What all have in common, as in `models/recipes/slimmable-training.ts`. */
export const shape = {
  encoder: { stem: 20, stemBlocks: 1, body: 54, blocks: 1, latent: channels },
  plane,
  decoder: { stem: 0, body: 0, latent: channels, decoder: 192 },
  batch,
  // What ships draws fine rates more often (2.5).
  fineBias: 1,
} as const

const fixed = (name: string, meaning: string, width: number, tier: RateTier): Member => ({
  name,
  meaning,
  widths: [{ width, rows: batch }],
  tiers: [tier],
  prefixRows: 0,
})

/** Rows and prefixes of the slimmable one as in that recipe. */
export const members: readonly Member[] = [
  {
    name: 'slimmable',
    meaning: 'two widths, all rates and any prefix in one',
    widths: [
      { width: 1, rows: 96 },
      { width: 0.5, rows: 32 },
    ],
    tiers: range,
    prefixRows: 8,
  },
  fixed('fixed-wide-fine', 'wide, the finest rate', 1, fine),
  fixed('fixed-wide-coarse', 'wide, the coarsest rate', 1, coarse),
  fixed('fixed-narrow-fine', 'narrow, the finest rate', 0.5, fine),
  fixed('fixed-narrow-coarse', 'narrow, the coarsest rate', 0.5, coarse),
]
