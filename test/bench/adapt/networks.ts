import { join } from 'node:path'
import {
  type AdaptableNetwork,
  adaptableNetwork,
  FisherInformation,
  imageTensor,
  pixelReader,
} from '@isthmus/models/adapt'
import { type Bundle, loadBundle } from '@isthmus/models/bundle'
import { type LabelledImages, loadCifar10 } from '@isthmus/models/data'
import { readModel } from '@isthmus/models/onnx'

/** What every method starts from. */
export interface AdaptNetworks {
  /** The devices' network: what is adapted. */
  readonly student: AdaptableNetwork
  /** The server's. */
  readonly foundation: AdaptableNetwork
  readonly mean: readonly number[]
  readonly std: readonly number[]
  readonly test: LabelledImages
  readonly train: LabelledImages
  readonly bundle: Bundle
}

export async function openNetworks(bundles: string): Promise<AdaptNetworks> {
  const bundle = await loadBundle(join(bundles, 'cifar10-adaptable'))
  const { test, train } = await loadCifar10()
  const network = (role: 'local' | 'full') => adaptableNetwork(readModel(bundle.modelBytes(role)))
  const { mean, std } = bundle.manifest.input
  return {
    student: network('local'),
    foundation: network('full'),
    mean: mean!,
    std: std!,
    test,
    train,
    bundle,
  }
}

/** The pixels of one image, a view. */
export const pixelsOf = ({ pixels, channels, height, width }: LabelledImages, index: number): Uint8Array =>
  pixels.subarray(index * channels * height * width, (index + 1) * channels * height * width)

/** Some images as a network takes them. */
export function inputOf(
  network: AdaptableNetwork,
  { mean, std }: Pick<AdaptNetworks, 'mean' | 'std'>,
  images: readonly Uint8Array[],
) {
  return pixelReader(network.imageDims, mean, std).batch(images, network)
}

const FISHER_IMAGES = 2048
const FISHER_BATCH = 64

/** What mattered to the student on clean training images. */
export function studentFisher(networks: AdaptNetworks, threads: number): Promise<FisherInformation> {
  const { student, train } = networks
  function* batches() {
    const reader = pixelReader(student.imageDims, networks.mean, networks.std)
    for (let first = 0; first < FISHER_IMAGES; first += FISHER_BATCH) {
      const images = Array.from({ length: FISHER_BATCH }, (_, row) => pixelsOf(train, first + row))
      yield imageTensor(reader.batch(images, student).data, FISHER_BATCH, student)
    }
  }
  return FisherInformation.measure(student, batches(), threads)
}
