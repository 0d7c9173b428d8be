import { bottleneckError } from './errors.ts'

/** Sizes of an encoder and a decoder for one teacher, cut at one place. */
export interface PairShape {
  /** Height and width of the photo. */
  readonly side: number
  /** Channels, height and width of the feature map that the decoder rebuilds. */
  readonly feature: { readonly channels: number; readonly side: number }
  /** The encoder's strided convolutions; the last makes the latent. */
  readonly encoder: readonly { readonly stride: 2 | 4; readonly channels: number }[]
  /** Channels of the latent, and its height and width. */
  readonly latent: { readonly channels: number; readonly side: number }
  /** Channels of the decoder at the latent's size, and at the feature map's. */
  readonly decoder: { readonly coarse: number; readonly fine: number }
}

/** A latent smaller than this keeps too little of where things are. */
const LEAST_SIDE = 7

/** Encoders are wider where the image has become smaller, up to this. */
const FIRST_WIDTH = 24
const WIDEST = 96

/**
 * Sizes for a teacher that takes photos of `side` × `side` and is cut at a map of `channels` × `cutSide` × `cutSide`. The latent is half as
 * high and wide as the map, when that leaves it 7 × 7 or more, with an eighth as many values as the photo unless `latentChannels` says otherwise. Throws CANNOT_BOTTLENECK for a map larger than half the photo.
 */
export function pairShape(
  side: number,
  { channels, side: cutSide }: PairShape['feature'],
  latentChannels?: number,
): PairShape {
  const toMap = Math.round(Math.log2(side / cutSide))
  if (toMap < 1) {
    throw bottleneckError(
      'CANNOT_BOTTLENECK',
      `The map at the cut is ${cutSide}×${cutSide}, the photo ${side}×${side}: cut where it is at most half as large.`,
    )
  }
  const halvings = halved(side, toMap + 1) >= LEAST_SIDE ? toMap + 1 : toMap
  const latent = latentChannels ?? usualChannels(2 ** halvings)
  const widths = Array.from({ length: halvings - 1 }, (_, at) => Math.min(WIDEST, FIRST_WIDTH * 2 ** at))
  // Of a large photo the first two halvings are one: most of the work, and of the memory, is there.
  const inner =
    halvings >= 4
      ? widths
          .slice(1)
          .map((width, at) => ({ stride: at === 0 ? (4 as const) : (2 as const), channels: width }))
      : widths.map((width) => ({ stride: 2 as const, channels: width }))
  return {
    side,
    feature: { channels, side: cutSide },
    encoder: [...inner, { stride: 2, channels: latent }],
    latent: { channels: latent, side: halved(side, halvings) },
    decoder: {
      coarse: Math.min(256, Math.max(32, 2 * channels)),
      fine: Math.min(160, Math.max(32, channels)),
    },
  }
}

/** Channels of a latent whose places are `stride` pixels apart. */
const usualChannels = (stride: number): number => Math.min(96, Math.max(4, Math.round((3 * stride ** 2) / 8)))

/** Each halving rounds up: see {@link stridedKernel}. */
const halved = (side: number, times: number): number =>
  times === 0 ? side : halved(Math.ceil(side / 2), times - 1)

/**
 * The kernel and the zeros around of a strided convolution that rounds up and keeps the middle of the image in the middle: so the latent's
 * places lie symmetrically, as those of the teacher's map do. `reach`: zeros on each side.
 */
export function stridedKernel(side: number, stride: number, reach: number): { kernel: number; pad: number } {
  const rest = side - stride * (Math.ceil(side / stride) - 1)
  return { kernel: rest + 2 * reach, pad: reach }
}

/** The kernel (3 or more) and the zeros around that bring a map from one size to another, symmetrically. */
export function fittingKernel(from: number, to: number): { kernel: number; pad: number } {
  let pad = 0
  while (from - to + 1 + 2 * pad < 3) pad++
  return { kernel: from - to + 1 + 2 * pad, pad }
}
