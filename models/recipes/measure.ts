import sharp from 'sharp'
import type { ModelFile, Quantizer } from '../bundle/index.ts'
import { dequantize, quantize } from '../codec/index.ts'
import { batchFiller, cifar10Mean, cifar10Std, type LabelledImages } from '../data/index.ts'
import { inferShapes, type Model, multiplyAdds, parameterCount, writeModel } from '../onnx/index.ts'
import { openSession, type Session } from '../runtime/index.ts'
import { argmax } from '../train/index.ts'

export const normalisation = { mean: cifar10Mean, std: cifar10Std }

/** Opens a model on this thread. */
export const open = (model: Model, threads: number): Promise<Session> =>
  openSession(writeModel(model), { intraOpThreads: threads })

/** Multiply-adds and parameters of a model for one frame of shape `dims` (without batch), as a manifest wants them. */
export function modelFile(
  file: string,
  model: Model,
  dims: readonly number[],
  accuracy?: number,
): Omit<ModelFile, 'sha256' | 'bytes'> {
  const types = inferShapes(model, { [model.graph.inputs[0]!.name]: [1, ...dims] })
  const macs = model.graph.nodes.reduce((sum, node) => sum + (multiplyAdds(node, types) ?? 0), 0)
  return { file, macs, params: parameterCount(model.graph), ...(accuracy === undefined ? {} : { accuracy }) }
}

/**
 * Top-1 on `images` of a split classifier, each frame's bottleneck coded and decoded as on the wire, and the mean length of
 * what crosses.
 */
export async function splitTop1(
  head: Session,
  tail: Session,
  quantizer: Quantizer,
  images: LabelledImages,
  latentDims: readonly number[],
): Promise<{ accuracy: number; payloadBytes: number }> {
  const fill = batchFiller(images, normalisation)
  const size = images.channels * images.height * images.width
  const latentSize = latentDims.reduce((product, dim) => product * dim, 1)
  const batch = 250
  let right = 0
  let bytes = 0
  for (let start = 0; start < images.count; start += batch) {
    const rows = Math.min(batch, images.count - start)
    const data = new Float32Array(rows * size)
    fill(
      Uint32Array.from({ length: rows }, (_, row) => start + row),
      0,
      data,
    )
    const input = {
      dtype: 'float32',
      dims: [rows, images.channels, images.height, images.width],
      data,
    } as const
    const latent = (await head.run({ input })).latent!.data as Float32Array
    const received = new Float32Array(rows * latentSize)
    for (let row = 0; row < rows; row++) {
      const coded = quantize(latent.subarray(row * latentSize, (row + 1) * latentSize), quantizer)
      bytes += coded.packed.length
      received.set(dequantize(coded.packed, latentSize, quantizer, coded), row * latentSize)
    }
    const { logits } = await tail.run({
      latent: { dtype: 'float32', dims: [rows, ...latentDims], data: received },
    })
    const values = logits!.data as Float32Array
    for (let row = 0; row < rows; row++)
      if (argmax(values, row * 10, 10) === images.labels[start + row]) right++
  }
  return { accuracy: right / images.count, payloadBytes: Math.round(bytes / images.count) }
}

/** `images` as they look after JPEG, and the mean size of the files in bytes. */
export async function throughJpeg(
  images: LabelledImages,
  quality: number,
): Promise<{ images: LabelledImages; meanBytes: number }> {
  const { channels, height, width, count } = images
  const plane = height * width
  const pixels = new Uint8Array(images.pixels.length)
  let bytes = 0
  for (let image = 0; image < count; image++) {
    const planes = images.pixels.subarray(image * channels * plane, (image + 1) * channels * plane)
    const interleaved = new Uint8Array(channels * plane)
    for (let at = 0; at < plane; at++) {
      for (let channel = 0; channel < channels; channel++)
        interleaved[at * channels + channel] = planes[channel * plane + at]!
    }
    const coded = await sharp(interleaved, { raw: { width, height, channels: 3 } })
      .jpeg({ quality })
      .toBuffer()
    bytes += coded.length
    const decoded = await sharp(coded).removeAlpha().raw().toBuffer()
    const to = pixels.subarray(image * channels * plane, (image + 1) * channels * plane)
    for (let at = 0; at < plane; at++) {
      for (let channel = 0; channel < channels; channel++)
        to[channel * plane + at] = decoded[at * channels + channel]!
    }
  }
  return { images: { ...images, pixels }, meanBytes: Math.round(bytes / count) }
}
