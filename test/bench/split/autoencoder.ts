import { compileTrainingStep } from '@isthmus/models/autodiff'
import { type RgbImage, seededRandom, shuffledIndices } from '@isthmus/models/data'
import { embedModel, NetBuilder } from '@isthmus/models/nets'
import {
  type CutCost,
  cut,
  elementCount,
  GraphBuilder,
  inspectModel,
  readModel,
  writeModel,
} from '@isthmus/models/onnx'
import { openSession } from '@isthmus/models/runtime'
import { runTraining, triangle } from '@isthmus/models/train'
import { batchesOf, run } from './classify.ts'
import { type CutSubject, type UntrainedCut, untrainedCut } from './untrained-cut.ts'

/** Widths of the two layers around a latent. */
const WIDTHS = [256, 64] as const
const BATCH = 32
const PEAK_RATE = 3e-3

/** How the autoencoders of a network are trained. */
export interface AutoencoderTraining {
  readonly photos: readonly RgbImage[]
  readonly epochs: number
  /** Channels of the latents, one autoencoder each. */
  readonly channels: readonly number[]
}

export interface Autoencoder extends UntrainedCut {
  readonly channels: number
  /** The tensor that it squeezes. */
  readonly behind: string
  /** Squared error of what is decoded, as a part of the map's variance, at the end of the training. */
  readonly error: number
}

/**
 * What autoencoders do that are put behind a network's own head (the peer of BottleFit, arXiv 2201.02693): three convolutions squeeze the map at a cut to
 * so many channels, three give it back, trained on the squared error of the map alone, of photos and their mirror images; the device pays head and
 * encoder.
 */
export async function autoencodersAt(
  subject: CutSubject,
  place: CutCost,
  { photos, epochs, channels: counts }: AutoencoderTraining,
  say: (what: string) => void,
): Promise<Autoencoder[]> {
  const maps = await mapsAt(
    subject,
    place,
    photos.flatMap((photo) => [photo, mirrored(photo)]),
  )
  const isPositive = maps.every((value) => value >= 0)
  const found: Autoencoder[] = []
  for (const channels of counts) {
    say(`an autoencoder of ${channels} channels behind ${place.tensor}`)
    const sizes = { width: place.dims[1]!, channels, isPositive }
    const { weights, error } = await train(maps, place.dims.slice(1), sizes, epochs, subject.threads)
    const model = assembled(subject, place, sizes, weights)
    const at = inspectModel(readModel(model)).cuts.find(({ tensor }) => tensor === LATENT)!
    found.push({ ...(await untrainedCut({ ...subject, model }, at)), channels, behind: place.tensor, error })
  }
  return found
}

const LATENT = 'latent'

interface Sizes {
  /** Channels of the map. */
  readonly width: number
  readonly channels: number
  /** The map never falls below zero. */
  readonly isPositive: boolean
}

/** The maps of all pictures, one after another. */
async function mapsAt(
  { face, model, threads }: CutSubject,
  place: CutCost,
  pictures: readonly RgbImage[],
): Promise<Float32Array> {
  const size = elementCount(place.dims)
  const head = await openSession(writeModel(cut(readModel(model), place.tensor).head), {
    intraOpThreads: threads,
  })
  const maps = new Float32Array(pictures.length * size)
  for await (const { start, rows, tensors } of batchesOf(face, pictures)) {
    maps.set(
      await run(head, face.input.name, [rows, ...face.input.dims], tensors, place.tensor),
      start * size,
    )
  }
  await head.dispose()
  return maps
}

type Weights = ReturnType<ReturnType<typeof compileTrainingStep>['parameters']>

async function train(
  maps: Float32Array,
  dims: readonly number[],
  sizes: Sizes,
  epochs: number,
  threads: number,
): Promise<{ weights: Weights; error: number }> {
  const size = elementCount(dims)
  const count = maps.length / size
  const g = new GraphBuilder('autoencoder', 17)
  const map = g.input('map', 'float32', [BATCH, ...dims])
  const net = new NetBuilder('autoencoder', { random: seededRandom(1), training: true, graph: g })
  const decoded = decoder(net, encoder(net, map, sizes), sizes)
  const error = net.squaredError(decoded, map, BATCH)
  g.output(g.op('Mul', [error, g.scalar(1 / (size * variance(maps)))]), 'loss')
  const optimizer = { kind: 'adam' } as const
  const step = compileTrainingStep(g.build(), {
    loss: 'loss',
    inputDims: { map: [BATCH, ...dims] },
    optimizer,
    groups: [
      { name: 'kernels', parameters: net.kernels },
      { name: 'vectors', parameters: net.vectors },
    ],
  })
  const perEpoch = Math.floor(count / BATCH)
  const steps = epochs * perEpoch
  const order = new Uint32Array(count)
  const data = new Float32Array(BATCH * size)
  let last = 1
  const { state } = await runTraining({
    step,
    optimizer,
    steps,
    itemsPerStep: BATCH,
    threads,
    rate: triangle(PEAK_RATE, steps),
    batch: (at) => {
      if (at % perEpoch === 0) shuffledIndices(count, seededRandom(1, at / perEpoch), order)
      for (let row = 0; row < BATCH; row++) {
        const from = order[(at % perEpoch) * BATCH + row]! * size
        data.set(maps.subarray(from, from + size), row * size)
      }
      return { map: { dtype: 'float32', dims: [BATCH, ...dims], data } }
    },
    onProgress: ({ loss }) => {
      last = loss
    },
  })
  return { weights: step.parameters(state), error: last }
}

/** The whole network with the autoencoder in it; what crosses is called `latent`. */
function assembled({ model, face }: CutSubject, place: CutCost, sizes: Sizes, weights: Weights): Uint8Array {
  const whole = readModel(model)
  const { head, tail } = cut(whole, place.tensor)
  const g = new GraphBuilder('with-autoencoder', Math.max(17, whole.opsets[''] ?? 0))
  const net = new NetBuilder('autoencoder', { random: seededRandom(0), weights, graph: g })
  const input = g.input(face.input.name, 'float32', ['N', ...face.input.dims])
  const [map] = embedModel(g, head, { [face.input.name]: input }, 'head/')
  const latent = g.op('Identity', [encoder(net, map!, sizes)], {}, LATENT)
  const decoded = decoder(net, latent, sizes)
  const [answer] = embedModel(g, tail, { [place.tensor]: decoded }, 'tail/')
  g.output(answer!, face.output.name)
  return writeModel(g.build())
}

function encoder(net: NetBuilder, map: string, { width, channels }: Sizes): string {
  const [wide, narrow] = WIDTHS
  const first = net.normRelu(
    'encoder.norm1',
    net.conv('encoder.conv1', map, width, wide, { kernel: 1 }),
    wide,
  )
  const second = net.conv('encoder.conv2', first, wide, narrow, { kernel: 3, pad: 1 })
  const third = net.conv('encoder.conv3', net.normRelu('encoder.norm2', second, narrow), narrow, channels, {
    kernel: 1,
  })
  return net.norm('encoder.norm3', third, channels)
}

function decoder(net: NetBuilder, latent: string, { width, channels, isPositive }: Sizes): string {
  const [wide, narrow] = WIDTHS
  const first = net.conv('decoder.conv1', latent, channels, narrow, { kernel: 1 })
  const second = net.conv('decoder.conv2', net.normRelu('decoder.norm1', first, narrow), narrow, wide, {
    kernel: 3,
    pad: 1,
  })
  const third = net.conv('decoder.conv3', net.normRelu('decoder.norm2', second, wide), wide, width, {
    kernel: 1,
    bias: true,
  })
  return isPositive ? net.relu(third) : third
}

function variance(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
}

function mirrored({ pixels, width, height }: RgbImage): RgbImage {
  const other = new Uint8Array(pixels.length)
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const from = 3 * (row * width + column)
      other.set(pixels.subarray(from, from + 3), 3 * (row * width + (width - 1 - column)))
    }
  }
  return { pixels: other, width, height }
}
