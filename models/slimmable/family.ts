import type { BottleFitWidths, SlimmableEncoderSizes, TeacherWidths } from '../nets/index.ts'

/** One end of a range of rates that gain vectors blend between. */
export interface RateTier {
  /** The gain of every channel before training. */
  readonly gain: number
  /** What a bit costs in the training's loss, in nats. */
  readonly bitPrice: number
}

/** An encoder that is trained at one width or several, at one rate or all between some, with one decoder and tail behind it. */
export interface Family {
  /** Goes before the names of its graphs. */
  readonly name: string
  readonly encoder: SlimmableEncoderSizes
  /** Height and width of the latent's channels. */
  readonly plane: readonly [number, number]
  readonly decoder: BottleFitWidths
  readonly tail: TeacherWidths
  /** Images of a step. */
  readonly batch: number
  /** Each width, and how many images of a batch go through it. */
  readonly widths: readonly { readonly width: number; readonly rows: number }[]
  /** From fine to coarse. */
  readonly tiers: readonly RateTier[]
  /** So many images of the first width lose all channels from a random one on, so that a prefix of the latent is enough. */
  readonly prefixRows: number
  /** Above 1, fine rates are drawn more often than coarse ones. */
  readonly fineBias: number
}
