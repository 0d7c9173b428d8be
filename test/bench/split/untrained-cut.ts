import { dequantize, type Quantizer, quantize } from '@isthmus/models/codec'
import { channelRangesOf, deflateChannels, inflateChannels } from '@isthmus/models/codec/channel-deflate'
import { type RgbImage, seededRandom } from '@isthmus/models/data'
import { type CutCost, cut, elementCount, readModel, writeModel } from '@isthmus/models/onnx'
import { calibrate, coded, LatentSample, ValueSample } from '@isthmus/models/pack'
import { openSession } from '@isthmus/models/runtime'
import { batchesOf, bestClasses, type Interface, run } from './classify.ts'
import { pickledBytes } from './pickled-bytes.ts'

/** A network to cut, and what its answers are measured on. */
export interface CutSubject {
  readonly face: Interface
  readonly model: Uint8Array
  /** What the codings are fitted to. */
  readonly calibration: readonly RgbImage[]
  readonly pictures: readonly RgbImage[]
  /** The class that each of the pictures should get. */
  readonly wanted: ArrayLike<number>
  readonly threads: number
}

const codings = ['uint8', 'channelDeflate', 'entropy8', 'entropy4'] as const
type CodingName = (typeof codings)[number]

/** A latent as bytes, and what the tail gets of it. */
type Coding = (latent: Float32Array) => { readonly bytes: number; readonly values: Float32Array }

/** Means over the pictures; `score` is the share that got the class wanted, in percent. */
export type CodedCut = {
  readonly bytes: number
  readonly pickledBytes: number
  readonly score: number
}

export type UntrainedCut = Readonly<Record<CodingName, CodedCut>> & {
  readonly tensor: string
  readonly dims: readonly number[]
  readonly headMacsM: number
}

/** Values of the latents that ranges are fitted to, as `isthmus-models pack` does. */
const SAMPLE_VALUES = 2 ** 18

/**
 * A network cut at one place, without any training: its tensor as 8-bit codes of its own range (`uint8`), by a range for each channel and
 * Huffman codes, and as `isthmus-models pack` does it, in 8 and 4 bits.
 */
export async function untrainedCut(subject: CutSubject, place: CutCost): Promise<UntrainedCut> {
  const { face, pictures, wanted, threads } = subject
  const { input, output } = face
  const { head, tail } = cut(readModel(subject.model), place.tensor)
  const options = { intraOpThreads: threads }
  const headSession = await openSession(writeModel(head), options)
  const tailSession = await openSession(writeModel(tail), options)
  const dims = place.dims.slice(1)
  const size = elementCount(dims)
  const latentsOf = (rows: number, tensors: Float32Array) =>
    run(headSession, input.name, [rows, ...input.dims], tensors, place.tensor)
  try {
    const values = new ValueSample(SAMPLE_VALUES, subject.calibration.length, seededRandom(1))
    const sample = new LatentSample()
    for await (const { rows, tensors } of batchesOf(face, subject.calibration)) {
      const latents = await latentsOf(rows, tensors)
      for (let row = 0; row < rows; row++) {
        const latent = latents.subarray(row * size, (row + 1) * size)
        values.add(latent)
        sample.add(latent)
      }
    }
    const fitted = fittedCodings(values, sample, dims)
    const tally = new Map(codings.map((name) => [name, { bytes: 0, pickled: 0, right: 0 }]))
    for await (const { start, rows, tensors } of batchesOf(face, pictures)) {
      const latents = await latentsOf(rows, tensors)
      for (const [name, sums] of tally) {
        const received = new Float32Array(rows * size)
        for (let row = 0; row < rows; row++) {
          const { bytes, values } = fitted[name](latents.subarray(row * size, (row + 1) * size))
          sums.bytes += bytes
          sums.pickled += pickledBytes(bytes)
          received.set(values, row * size)
        }
        const scores = await run(tailSession, place.tensor, [rows, ...dims], received, output.name)
        bestClasses(scores, rows).forEach((found, row) => {
          if (found === wanted[start + row]) sums.right++
        })
      }
    }
    const of = (name: CodingName): CodedCut => {
      const { bytes, pickled, right } = tally.get(name)!
      const count = pictures.length
      return { bytes: bytes / count, pickledBytes: pickled / count, score: (100 * right) / count }
    }
    return {
      ...{ tensor: place.tensor, dims, headMacsM: place.headMacs / 1e6 },
      ...{ uint8: of('uint8'), channelDeflate: of('channelDeflate') },
      ...{ entropy8: of('entropy8'), entropy4: of('entropy4') },
    }
  } finally {
    await headSession.dispose()
    await tailSession.dispose()
  }
}

function fittedCodings(
  values: ValueSample,
  sample: LatentSample,
  dims: readonly number[],
): Readonly<Record<CodingName, Coding>> {
  const size = elementCount(dims)
  const ranges = channelRangesOf(sample.values(), dims[0]!, size / dims[0]!)
  const sorted = values.sorted()
  const entropy = (bits: number) => by(coded(calibrate(sorted, bits).quantizer, sample, dims), size)
  return {
    uint8: by({ kind: 'affine-dynamic', bits: 8 }, size),
    channelDeflate: (latent) => {
      const payload = deflateChannels(latent, ranges)
      return { bytes: payload.length, values: inflateChannels(payload, size, ranges) }
    },
    entropy8: entropy(8),
    entropy4: entropy(4),
  }
}

function by(quantizer: Quantizer, size: number): Coding {
  return (latent) => {
    const { packed, scale, zeroPoint } = quantize(latent, quantizer)
    return { bytes: packed.length, values: dequantize(packed, size, quantizer, { scale, zeroPoint }) }
  }
}
