import { dequantize, type EntropyQuantizer, entropyQuantizer, quantize } from '@isthmus/models/codec'
import { batchFiller, cifar10Mean, cifar10Std, type LabelledImages } from '@isthmus/models/data'
import { float32Values, type Model, writeModel } from '@isthmus/models/onnx'
import { openSession, type Session } from '@isthmus/models/runtime'
import { argmax } from '@isthmus/models/train'
import { latentDims, type Weights } from './graphs.ts'

/** Accuracy in percent and mean payload in bytes, each frame coded and decoded as on the wire. */
export interface Point {
  readonly width: number
  /** Between the variant's tiers: 0 is the first, 1 the second. */
  readonly place: number
  readonly top1: number
  readonly bytes: number
}

const [channels] = latentDims
const perChannel = latentDims[1] * latentDims[2]
const size = channels * perChannel
const BATCH = 250

const open = (model: Model, threads: number) => openSession(writeModel(model), { intraOpThreads: threads })

async function latentsOf(head: Session, images: LabelledImages): Promise<Float32Array> {
  const fill = batchFiller(images, { mean: cifar10Mean, std: cifar10Std })
  const latents = new Float32Array(images.count * size)
  for (let start = 0; start < images.count; start += BATCH) {
    const rows = Math.min(BATCH, images.count - start)
    const data = new Float32Array(rows * 3 * 32 * 32)
    fill(
      Uint32Array.from({ length: rows }, (_, row) => start + row),
      0,
      data,
    )
    const { latent } = await head.run({ input: { dtype: 'float32', dims: [rows, 3, 32, 32], data } })
    latents.set(latent!.data as Float32Array, start * size)
  }
  return latents
}

function quantizerAt(weights: Weights, place: number, latents: Float32Array): EntropyQuantizer {
  const between = (name: string) => {
    const stored = weights.get(name)!
    const logs = float32Values(stored)
    const last = stored.dims[0]! - 1
    return Array.from({ length: channels }, (_, channel) =>
      Math.fround(Math.exp((1 - place) * logs[channel]! + place * logs[last * channels + channel]!)),
    )
  }
  const codes = { kind: 'affine-static', bits: 8, scale: 1, zeroPoint: 128 } as const
  const factors = { gains: between('gain.log'), inverseGains: between('gain.inverse_log') }
  return entropyQuantizer(codes, latents, channels, perChannel, factors)
}

/** A trained variant at one width and several places between its rates. Tables come from the training images. */
export async function points(
  models: { readonly head: Model; readonly tail: Model },
  weights: Weights,
  width: number,
  places: readonly number[],
  data: { readonly train: LabelledImages; readonly test: LabelledImages },
  threads: number,
): Promise<Point[]> {
  const head = await open(models.head, threads)
  const tail = await open(models.tail, threads)
  try {
    const seen = await latentsOf(head, data.train)
    const latents = await latentsOf(head, data.test)
    const found: Point[] = []
    for (const place of places) {
      const quantizer = quantizerAt(weights, place, seen)
      found.push({ width, place, ...(await measure(tail, latents, quantizer, data.test)) })
    }
    return found
  } finally {
    await head.dispose()
    await tail.dispose()
  }
}

async function measure(
  tail: Session,
  latents: Float32Array,
  quantizer: EntropyQuantizer,
  { count, labels }: LabelledImages,
) {
  let right = 0
  let bytes = 0
  for (let start = 0; start < count; start += BATCH) {
    const rows = Math.min(BATCH, count - start)
    const received = new Float32Array(rows * size)
    for (let row = 0; row < rows; row++) {
      const { packed } = quantize(latents.subarray((start + row) * size, (start + row + 1) * size), quantizer)
      bytes += packed.length
      received.set(dequantize(packed, size, quantizer), row * size)
    }
    const { logits } = await tail.run({
      latent: { dtype: 'float32', dims: [rows, ...latentDims], data: received },
    })
    for (let row = 0; row < rows; row++) {
      if (argmax(logits!.data as Float32Array, row * 10, 10) === labels[start + row]) right++
    }
  }
  return { top1: (100 * right) / count, bytes: bytes / count }
}
