import { fitNeighbours } from '../codec/fit-neighbours.ts'
import { type EntropyQuantizer, entropyQuantizer, quantize } from '../codec/index.ts'
import type { ImageInput } from '../data/index.ts'
import type { ConstantTensor } from '../onnx/index.ts'
import { eachPhoto } from '../pack/photos.ts'
import type { Session } from '../runtime/index.ts'
import type { PairShape } from './geometry.ts'
import { rateTiers } from './rates.ts'
import { gainsAt } from './student-models.ts'

export interface RateMode {
  readonly name: string
  readonly quantizer: EntropyQuantizer
}

/** Five tables a channel, chosen by its own codes around and those of the four channels before it. */
const NEIGHBOURS = { reach: 2, back: 4 }
/** Tables that a mode of so many channels has. */
export const tablesOf = (channels: number): number => channels * (2 * NEIGHBOURS.reach + 1)
/** Latent values that the neighbours' weights are fitted to at most. */
const FIT_VALUES = 2 ** 21

/** No photo takes more than this multiple of what the average one does: of noise only the first channels are sent. */
const MOST_OF_MEAN = 3
/** Photos that the average is taken over. */
const MEAN_PHOTOS = 100

/** Whole steps of the code: the gains say how large a step is. */
const plain = { kind: 'affine-static', bits: 8, scale: 1, zeroPoint: 128 } as const

/** What the head gives for these photos, one after the other. */
export async function latentsOf(
  head: Session,
  photos: readonly string[],
  input: ImageInput,
  perFrame: number,
  onDone: (done: number) => void,
): Promise<Float32Array> {
  const latents = new Float32Array(photos.length * perFrame)
  let frame = 0
  for await (const { tensor } of eachPhoto(photos, input, onDone)) {
    const feeds = {
      [head.inputs[0]!.name]: { dtype: 'float32', dims: [1, ...input.dims], data: tensor },
    } as const
    latents.set((await head.run(feeds))[head.outputs[0]!.name]!.data as Float32Array, frame * perFrame)
    frame++
  }
  return latents
}

/** A rate: gains, and tables counted on `latents`, so that a photo's bytes have a bound. */
export function codedMode(
  name: string,
  latents: Float32Array,
  [channels, height, width]: readonly [number, number, number],
  factors: { readonly gains: number[]; readonly inverseGains?: number[] },
): RateMode {
  const perChannel = height * width
  const frame = channels * perChannel
  const fitted = latents.subarray(0, frame * Math.max(1, Math.floor(FIT_VALUES / frame)))
  const neighbours = fitNeighbours(plain, fitted, channels, perChannel, {
    ...NEIGHBOURS,
    rowLength: width,
    gains: factors.gains,
  })
  const unlimited = entropyQuantizer(plain, latents, channels, perChannel, { ...factors, neighbours })
  const photos = Math.min(MEAN_PHOTOS, latents.length / frame)
  let bytes = 0
  for (let photo = 0; photo < photos; photo++) {
    bytes += quantize(latents.subarray(photo * frame, (photo + 1) * frame), unlimited).packed.length
  }
  return { name, quantizer: { ...unlimited, mostBytes: Math.ceil((MOST_OF_MEAN * bytes) / photos) } }
}

/** `count` modes of one encoder, evenly spread from the finest rate to the coarsest. */
export function rateModes(
  weights: ReadonlyMap<string, ConstantTensor>,
  { latent: { channels, side } }: PairShape,
  latents: Float32Array,
  count: number,
): RateMode[] {
  const tiers = rateTiers.length
  return Array.from({ length: count }, (_, i) => {
    const place = count === 1 ? 0 : (i * (tiers - 1)) / (count - 1)
    return codedMode(`split-rate${i + 1}`, latents, [channels, side, side], gainsAt(weights, place, tiers))
  })
}
