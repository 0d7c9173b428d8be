/** One way to get an encoder and a decoder in front of the teacher's tail. */
export interface Variant {
  readonly name: string
  /** What makes it different, in a line. */
  readonly meaning: string
  /** Widths of the encoder that are trained together. */
  readonly widths: readonly number[]
  /** Rates that are trained together: gain at the start, and the price of a bit in nats. */
  readonly tiers: readonly Tier[]
  /**
   * `ghnd`: the features behind the decoder and behind the tail's first group (generalised head network distillation); `hnd`: the
   * first of them only; `none`: the epochs go to the second stage.
   */
  readonly stage1: 'ghnd' | 'hnd' | 'none'
  /** `kd`: the teacher's answers; `ce`: the labels; `none`: the tail stays the teacher's own. */
  readonly stage2: 'kd' | 'ce' | 'none'
  /** The encoder stays what the first stage has made of it. */
  readonly frozenEncoder?: boolean
  /** Weight of the distance between the narrow and the wide latent (configuration-invariant distillation); default 0. */
  readonly invariance?: number
  /** In place of widths: width 0.5 is the first of two small encoders, width 1 the sum of both. */
  readonly ensemble?: boolean
  /** The teacher's own head stays, and the encoder only squeezes its features (autoencoder methods). */
  readonly behindTeacherHead?: boolean
}

export interface Tier {
  readonly gain: number
  readonly bitPrice: number
}

export const fine: Tier = { gain: 1.2, bitPrice: 1e-4 }
export const coarse: Tier = { gain: 0.5, bitPrice: 6e-4 }

const ours = { stage1: 'ghnd', stage2: 'kd' } as const

/** All get the same images, epochs and server part, and are measured by the same function. */
export const variants: readonly Variant[] = [
  {
    ...ours,
    name: 'slimmable',
    meaning: 'two widths and all rates in one',
    widths: [1, 0.5],
    tiers: [fine, coarse],
  },
  {
    ...ours,
    name: 'slimmable-invariant',
    meaning: 'the same, the narrow latent pulled to the wide one',
    widths: [1, 0.5],
    tiers: [fine, coarse],
    invariance: 0.02,
  },
  {
    ...ours,
    name: 'ensemble',
    meaning: 'two small encoders whose latents add up, all rates in one',
    widths: [1, 0.5],
    tiers: [fine, coarse],
    ensemble: true,
  },
  { ...ours, name: 'fixed-wide-fine', meaning: 'wide, one rate', widths: [1], tiers: [fine] },
  { ...ours, name: 'fixed-wide-coarse', meaning: 'wide, one low rate', widths: [1], tiers: [coarse] },
  { ...ours, name: 'fixed-narrow-fine', meaning: 'narrow, one rate', widths: [0.5], tiers: [fine] },
  { ...ours, name: 'fixed-narrow-coarse', meaning: 'narrow, one low rate', widths: [0.5], tiers: [coarse] },
  {
    ...ours,
    name: 'frozen-encoder',
    meaning: 'as fixed-wide-fine, the encoder frozen after the first stage',
    widths: [1],
    tiers: [fine],
    frozenEncoder: true,
  },
  {
    name: 'head-distillation',
    meaning: 'matches one feature map, the tail stays as it was',
    widths: [1],
    tiers: [fine],
    stage1: 'hnd',
    stage2: 'none',
  },
  {
    name: 'end-to-end',
    meaning: 'labels and rate from the start, no teacher features',
    widths: [1],
    tiers: [fine],
    stage1: 'none',
    stage2: 'ce',
  },
  {
    ...ours,
    name: 'autoencoder',
    meaning: "squeezes the features of the teacher's own head",
    widths: [1],
    tiers: [fine],
    stage1: 'hnd',
    behindTeacherHead: true,
  },
]
