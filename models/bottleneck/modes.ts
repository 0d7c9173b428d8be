import { type EntropyQuantizer, entropyQuantizer } from '../codec/index.ts'
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

/** `count` modes of one encoder, evenly spread from the finest rate to the coarsest, with tables counted on `latents`. */
export function rateModes(
  weights: ReadonlyMap<string, ConstantTensor>,
  { latent }: PairShape,
  latents: Float32Array,
  count: number,
): RateMode[] {
  const tiers = rateTiers.length
  return Array.from({ length: count }, (_, i) => {
    const place = count === 1 ? 0 : (i * (tiers - 1)) / (count - 1)
    const quantizer = entropyQuantizer(
      plain,
      latents,
      latent.channels,
      latent.side ** 2,
      gainsAt(weights, place, tiers),
    )
    return { name: `split-rate${i + 1}`, quantizer }
  })
}
