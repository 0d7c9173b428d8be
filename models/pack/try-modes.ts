import type { ImageCoding } from '../bundle/manifest.ts'
import { dequantize, quantize } from '../codec/codec.ts'
import type { Quantizer } from '../codec/quantizer.ts'
import { decodeImage, type ImageInput, type RgbImage, toTensor } from '../data/image-files.ts'
import type { Session } from '../runtime/session.ts'
import type { PlannedMode } from './draft.ts'
import { encodeImage, type Photo } from './photos.ts'

/** The networks of a bundle, opened. */
export interface Parts {
  readonly whole: Session
  readonly head: Session
  readonly tail: Session
  /** The device's own network, unless that is the whole one. */
  readonly local?: Session | undefined
}

/** What one mode did on the photos. */
export interface ModeTally {
  /** Photos on which its best guess was that of the whole network. */
  agreed: number
  /** Photos on which it was right, of those whose class is known. */
  right: number
  /** Bytes that crossed for all photos, where the latent did. */
  bytes: number
}

export interface Measurement {
  readonly photos: number
  /** Whether the classes of the photos are known. */
  readonly labelled: boolean
  /** Photos on which the whole network was right. */
  readonly wholeRight: number
  readonly byMode: ReadonlyMap<number, ModeTally>
}

/** The one output of a model for one input of shape [1, ...dims]. */
async function run(session: Session, data: Float32Array, dims: readonly number[]): Promise<Float32Array> {
  const feeds = { [session.inputs[0]!.name]: { dtype: 'float32', dims: [1, ...dims], data } } as const
  const outputs = await session.run(feeds)
  return outputs[session.outputs[0]!.name]!.data as Float32Array
}

/** The index of the largest value; the first of equals. */
const best = (values: Float32Array): number => values.indexOf(values.reduce((a, b) => Math.max(a, b)))

/** Adds what the head gives for each photo to `sample`. */
export async function sampleLatents(
  head: Session,
  photos: AsyncIterable<Photo>,
  input: ImageInput,
  sample: { add(latent: Float32Array): void },
): Promise<void> {
  for await (const { tensor } of photos) sample.add(await run(head, tensor, input.dims))
}

/**
 * Answers each photo in every mode, as device and server will: latents quantised, packed and back, images coded and
 * back. `classOf` gives the class of a photo, when classes are known.
 */
export async function tryModes(
  parts: Parts,
  photos: AsyncIterable<Photo>,
  setting: {
    readonly input: ImageInput
    readonly latentDims: readonly number[]
    readonly modes: readonly PlannedMode[]
    readonly classOf?: ((path: string) => number) | undefined
  },
): Promise<Measurement> {
  const { input, latentDims, modes, classOf } = setting
  const byMode = new Map<number, ModeTally>(modes.map(({ id }) => [id, { agreed: 0, right: 0, bytes: 0 }]))
  let count = 0
  let wholeRight = 0

  const throughBits = async (
    latent: Float32Array,
    quantizer: Quantizer,
    tally: ModeTally,
  ): Promise<number> => {
    const { packed, scale, zeroPoint } = quantize(latent, quantizer)
    tally.bytes += packed.length
    const received = dequantize(packed, latent.length, quantizer, { scale, zeroPoint })
    return best(await run(parts.tail, received, latentDims))
  }
  const throughImage = async (image: RgbImage, coding: ImageCoding): Promise<number> => {
    const { width, height } = image
    const received = await decodeImage(await encodeImage(image, coding), { width, height })
    return best(await run(parts.whole, await toTensor(received, input), input.dims))
  }

  for await (const { path, image, tensor } of photos) {
    const wanted = classOf?.(path)
    const whole = best(await run(parts.whole, tensor, input.dims))
    const latent = await run(parts.head, tensor, input.dims)
    const guess = async (mode: PlannedMode, tally: ModeTally): Promise<number> => {
      if (mode.route === 'split') return throughBits(latent, mode.quantizer, tally)
      if (mode.route === 'edge') return mode.image.codec === 'raw' ? whole : throughImage(image, mode.image)
      return parts.local ? best(await run(parts.local, tensor, input.dims)) : whole
    }
    for (const mode of modes) {
      const tally = byMode.get(mode.id)!
      const answer = await guess(mode, tally)
      if (answer === whole) tally.agreed++
      if (answer === wanted) tally.right++
    }
    if (whole === wanted) wholeRight++
    count++
  }
  return { photos: count, labelled: classOf !== undefined, wholeRight, byMode }
}
