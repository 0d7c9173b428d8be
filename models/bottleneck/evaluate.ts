import sharp from 'sharp'
import { dequantize, type Quantizer, quantize } from '../codec/index.ts'
import { decodeImage, type ImageInput, type RgbImage, toTensor } from '../data/index.ts'
import type { Session } from '../runtime/index.ts'
import { bestClass } from './answers.ts'

/** A way to send a photo: our latent, or an image codec in front of the whole teacher. */
export type Way =
  | { readonly name: string; readonly quantizer: Quantizer }
  | { readonly name: string; readonly codec: 'jpeg' | 'webp' | 'avif'; readonly quality: number }

/** What a way did on the held-out photos. */
export interface WayResult {
  readonly name: string
  /** `split`, or the codec. */
  readonly family: string
  /** Mean payload of a photo. */
  readonly bytes: number
  /** Share of the photos on which its best guess is the teacher's, 0 to 1. */
  readonly agreement: number
}

export interface Evaluation {
  readonly photos: number
  readonly ways: readonly WayResult[]
  /** Median times here, ms. */
  readonly teacherMs: number
  readonly headMs: number
  readonly tailMs: number
}

export interface Parts {
  readonly teacher: Session
  readonly head: Session
  readonly tail: Session
}

/** Codec qualities that span what a bottleneck is compared with. */
export const codecWays: readonly Way[] = [
  ...[10, 20, 40, 75].map((quality) => ({ name: `jpeg-${quality}`, codec: 'jpeg' as const, quality })),
  ...[1, 10, 25, 50, 75].map((quality) => ({ name: `webp-${quality}`, codec: 'webp' as const, quality })),
  ...[8, 15, 24, 33, 42, 54].map((quality) => ({
    name: `avif-${quality}`,
    codec: 'avif' as const,
    quality,
  })),
]

/**
 * Answers each photo once by the teacher and in every way, and counts how often the best guess is the same. Images are coded at the size that
 * the teacher takes, so every way starts from the same pixels.
 */
export async function evaluate(
  { teacher, head, tail }: Parts,
  photos: readonly string[],
  ways: readonly Way[],
  input: ImageInput,
  latentDims: readonly number[],
  onDone: (done: number) => void,
): Promise<Evaluation> {
  const [height, width] = input.layout === 'NCHW' ? input.dims.slice(1) : input.dims
  const bytes = ways.map(() => 0)
  const agreed = ways.map(() => 0)
  const times = { teacher: [] as number[], head: [] as number[], tail: [] as number[] }
  const timed = async (session: Session, data: Float32Array, dims: readonly number[], into: number[]) => {
    const startMs = performance.now()
    const values = await run(session, data, dims)
    into.push(performance.now() - startMs)
    return values
  }
  for (const [done, path] of photos.entries()) {
    const image = await decodeImage(path, { width: width!, height: height!, fit: input.fit })
    const tensor = await toTensor(image, input)
    const wanted = bestClass(await timed(teacher, tensor, input.dims, times.teacher))
    const latent = await timed(head, tensor, input.dims, times.head)
    for (const [at, way] of ways.entries()) {
      let answer: Float32Array
      if ('quantizer' in way) {
        const { packed, scale, zeroPoint } = quantize(latent, way.quantizer)
        bytes[at]! += packed.length
        const received = dequantize(packed, latent.length, way.quantizer, { scale, zeroPoint })
        answer = await timed(tail, received, latentDims, times.tail)
      } else {
        const file = await codedImage(image, way.codec, way.quality)
        bytes[at]! += file.length
        const back = await decodeImage(file, { width: width!, height: height! })
        answer = await run(teacher, await toTensor(back, input), input.dims)
      }
      if (bestClass(answer) === wanted) agreed[at]!++
    }
    onDone(done + 1)
  }
  return {
    photos: photos.length,
    ways: ways.map((way, at) => ({
      name: way.name,
      family: 'codec' in way ? way.codec : 'split',
      bytes: bytes[at]! / photos.length,
      agreement: agreed[at]! / photos.length,
    })),
    teacherMs: median(times.teacher),
    headMs: median(times.head),
    tailMs: median(times.tail),
  }
}

async function run(session: Session, data: Float32Array, dims: readonly number[]): Promise<Float32Array> {
  const feeds = { [session.inputs[0]!.name]: { dtype: 'float32', dims: [1, ...dims], data } } as const
  return (await session.run(feeds))[session.outputs[0]!.name]!.data as Float32Array
}

async function codedImage(
  { pixels, width, height }: RgbImage,
  codec: 'jpeg' | 'webp' | 'avif',
  quality: number,
) {
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .toFormat(codec, { quality })
    .toBuffer()
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? 0
}
