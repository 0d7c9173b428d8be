import { dequantize, quantize } from '@isthmus/models/codec'
import { channelRangesOf, deflateChannels, inflateChannels } from '@isthmus/models/codec/channel-deflate'
import {
  type CutCost,
  cut,
  elementCount,
  inspectModel,
  readModel,
  sensibleCuts,
  writeModel,
} from '@isthmus/models/onnx'
import { openSession } from '@isthmus/models/runtime'
import type { Part } from '../part.ts'
import type { Detail } from '../suite.ts'
import { batchesOf, bestClasses, run } from './classify.ts'
import { mean, type OperatingPoint } from './operating-points.ts'
import { pickledBytes } from './pickled-bytes.ts'
import type { World } from './world.ts'

/** A cut that leaves the server less than this share of the work splits nothing. */
const LEAST_TAIL_SHARE = 0.02

/** A latent as bytes, and what the tail gets of it. */
interface Received {
  readonly bytes: number
  readonly values: Float32Array
}
type Coding = (latent: Float32Array) => Received

const dynamicUint8: Coding = (latent) => {
  const coded = quantize(latent, { kind: 'affine-dynamic', bits: 8 })
  const values = dequantize(coded.packed, latent.length, { kind: 'affine-dynamic', bits: 8 }, coded)
  return { bytes: coded.packed.length, values }
}

/**
 * What one gets without training: the teacher itself, cut where a cut is worth a look, its tensor as 8-bit codes of one range (naive),
 * and by the training-free codec. And the trained bottleneck without entropy coding (CR+BQ).
 */
export async function measureUntrainedCuts(world: World, plain: OperatingPoint): Promise<Part> {
  const { bundle, quick, say } = world
  const { input } = bundle.manifest
  const model = readModel(bundle.modelBytes('full'))
  const { cuts } = inspectModel(model, { [input.name]: [1, ...input.dims] })
  const worth = sensibleCuts(cuts).filter(
    ({ headShare, uint8Bytes }) => headShare < 1 - LEAST_TAIL_SHARE && uint8Bytes < 3 * 32 * 32 * 5,
  )
  const chosen = quick ? worth.slice(-1) : worth
  const measured: Detail[] = []
  for (const place of chosen) {
    say(`the teacher cut at ${place.tensor}, ${place.uint8Bytes} bytes as uint8`)
    measured.push(await untrainedCut(world, place))
  }
  const { bytes, top1, mode } = plain
  return {
    peers: {
      bottlefit8bit: {
        about: 'CR+BQ: the trained head and tail, 8 bits a value, no entropy coding',
        mode: mode.name,
        bytes: mean(bytes),
        pickledBytes: mean(Array.from(bytes, pickledBytes)),
        top1,
      },
      untrainedCuts: measured,
    },
  }
}

async function untrainedCut(world: World, place: CutCost): Promise<Detail> {
  const { bundle, threads, labels } = world
  const { input, output } = bundle.manifest
  const { head, tail } = cut(readModel(bundle.modelBytes('full')), place.tensor)
  const options = { intraOpThreads: threads }
  const [headSession, tailSession] = [
    await openSession(writeModel(head), options),
    await openSession(writeModel(tail), options),
  ]
  const dims = place.dims.slice(1)
  const size = elementCount(dims)
  const latentsOf = (rows: number, tensors: Float32Array) =>
    run(headSession, input.name, [rows, ...input.dims], tensors, place.tensor)
  try {
    const calibration: Float32Array[] = []
    for await (const { rows, tensors } of batchesOf(bundle.manifest, world.trainingPictures)) {
      calibration.push(await latentsOf(rows, tensors))
    }
    const ranges = channelRangesOf(joinedTensors(calibration), dims[0]!, size / dims[0]!)
    const channelDeflate: Coding = (latent) => {
      const payload = deflateChannels(latent, ranges)
      return { bytes: payload.length, values: inflateChannels(payload, size, ranges) }
    }
    const codings = { uint8: dynamicUint8, channelDeflate }
    const tally = {
      uint8: { bytes: 0, pickled: 0, right: 0 },
      channelDeflate: { bytes: 0, pickled: 0, right: 0 },
    }
    const pictures = world.pictures.slice(0, world.some)
    for await (const { start, rows, tensors } of batchesOf(bundle.manifest, pictures)) {
      const latents = await latentsOf(rows, tensors)
      for (const name of ['uint8', 'channelDeflate'] as const) {
        const received = new Float32Array(rows * size)
        for (let row = 0; row < rows; row++) {
          const { bytes, values } = codings[name](latents.subarray(row * size, (row + 1) * size))
          tally[name].bytes += bytes
          tally[name].pickled += pickledBytes(bytes)
          received.set(values, row * size)
        }
        const scores = await run(tailSession, place.tensor, [rows, ...dims], received, output.name)
        bestClasses(scores, rows).forEach((found, row) => {
          if (found === labels[start + row]) tally[name].right++
        })
      }
    }
    const of = ({ bytes, pickled, right }: { bytes: number; pickled: number; right: number }) => ({
      bytes: bytes / pictures.length,
      pickledBytes: pickled / pictures.length,
      top1: (100 * right) / pictures.length,
    })
    return {
      tensor: place.tensor,
      dims,
      headMacsM: place.headMacs / 1e6,
      uint8: of(tally.uint8),
      channelDeflate: of(tally.channelDeflate),
    }
  } finally {
    await headSession.dispose()
    await tailSession.dispose()
  }
}

function joinedTensors(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
