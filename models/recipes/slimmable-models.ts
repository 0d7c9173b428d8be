import { fitNeighbours } from '../codec/fit-neighbours.ts'
import { type EntropyQuantizer, entropyQuantizer } from '../codec/index.ts'
import { batchFiller, type Cifar10, cifar10Mean, cifar10Std, seededRandom } from '../data/index.ts'
import {
  bottleFitDecoder,
  foldBatchNorm,
  foldSlices,
  NetBuilder,
  slimmableEncoder,
  storeByteWeights,
  storeHalfWeights,
  teacherEnd,
} from '../nets/index.ts'
import { type ConstantTensor, elementCount, float32Values, type Model } from '../onnx/index.ts'
import type { Session } from '../runtime/index.ts'
import { encoderSizes } from './slimmable-training.ts'
import { latentDims, studentWidths } from './student-training.ts'
import { teacherWidths } from './teacher-training.ts'

type Weights = ReadonlyMap<string, ConstantTensor>

/** The device's part at one width: `input` [N,3,32,32] → `latent` [N,10,7,7], on its own, weights as bytes. */
export function slimmableHead(weights: Weights, width: number): Model {
  const net = new NetBuilder(`cifar10-head-${width}`, { random: seededRandom(0), weights })
  const input = net.g.input('input', 'float32', ['N', 3, 32, 32])
  net.g.output(slimmableEncoder(net, input, encoderSizes, width), 'latent', 'float32', ['N', ...latentDims])
  return storeByteWeights(foldBatchNorm(foldSlices(net.build())))
}

/** The server's part, the same for every width and rate: `latent` [N,10,7,7] → `logits` [N,10]. */
export function slimmableTail(weights: Weights): Model {
  const net = new NetBuilder('cifar10-tail', { random: seededRandom(0), weights })
  const latent = net.g.input('latent', 'float32', ['N', ...latentDims])
  const decoded = bottleFitDecoder(net, latent, studentWidths, teacherWidths.group2)
  net.g.output(teacherEnd(net, decoded, teacherWidths).logits, 'logits', 'float32', ['N', 10])
  return storeHalfWeights(net.build())
}

const TABLE_IMAGES = 10_000
/** Weights of neighbours are far fewer numbers than their tables. */
const FIT_IMAGES = 4000

/** What a head gives for the first 10,000 training images, as they are. */
export async function latentsOf(head: Session, data: Cifar10): Promise<Float32Array> {
  const fill = batchFiller(data.train, { mean: cifar10Mean, std: cifar10Std })
  const batch = 500
  const size = elementCount(latentDims)
  const latents = new Float32Array(TABLE_IMAGES * size)
  const images = new Float32Array(batch * 3 * 32 * 32)
  for (let start = 0; start < TABLE_IMAGES; start += batch) {
    const rows = Uint32Array.from({ length: batch }, (_, row) => start + row)
    fill(rows, 0, images)
    const { latent } = await head.run({ input: { dtype: 'float32', dims: [batch, 3, 32, 32], data: images } })
    latents.set(latent!.data as Float32Array, start * size)
  }
  return latents
}

/** Gains and inverse gains at a place between the rate tiers: 0 is the first tier, 1 the second, and so on. */
export function gainsAt(weights: Weights, place: number): { gains: number[]; inverseGains: number[] } {
  const between = (name: string) => {
    const stored = weights.get(name)!
    const [tiers, channels] = stored.dims as [number, number]
    const logs = float32Values(stored)
    const tier = Math.min(tiers - 2, Math.floor(place))
    const share = place - tier
    return Array.from({ length: channels }, (_, channel) => {
      const log = (at: number) => logs[at * channels + channel]!
      return Math.fround(Math.exp((1 - share) * log(tier) + share * log(tier + 1)))
    })
  }
  return { gains: between('gain.log'), inverseGains: between('gain.inverse_log') }
}

/** Codes of 8 bits around zero: far more than any gain needs, and the tables leave out what does not come. */
const codes = { kind: 'affine-static', bits: 8, scale: 1, zeroPoint: 128 } as const

/** The quantiser of a rate: gains at `place`, tables from how often each code came in `latents`. */
export function rateQuantizer(weights: Weights, place: number, latents: Float32Array): EntropyQuantizer {
  const [channels, ...plane] = latentDims as [number, ...number[]]
  const [, rowLength] = plane as [number, number]
  const perChannel = elementCount(plane)
  const rate = gainsAt(weights, place)
  const neighbours = fitNeighbours(
    codes,
    latents.subarray(0, FIT_IMAGES * channels * perChannel),
    channels,
    perChannel,
    { gains: rate.gains, rowLength, reach: 4 },
  )
  return entropyQuantizer(codes, latents, channels, perChannel, { ...rate, neighbours })
}
