import type { FisherInformation } from '@isthmus/models/adapt'
import {
  type CorruptionType,
  corruptImages,
  type LabelledImages,
  type Severity,
  seededRandom,
  shuffledIndices,
} from '@isthmus/models/data'
import { type MethodName, openMethod } from './methods.ts'
import { type AdaptNetworks, pixelsOf } from './networks.ts'
import { type Played, play } from './played.ts'

/** One kind of damage, one seed, and who is to answer it. */
export interface Cell {
  readonly type: CorruptionType
  readonly severity: Severity
  readonly seed: number
  /** Images of the stream. */
  readonly count: number
  readonly methods: readonly MethodName[]
}

export type CellPlayed = Partial<Record<MethodName, Played>>

/** Plays a cell: every method, fresh, on the same images in the same order. */
export async function playCell(
  networks: AdaptNetworks,
  fisher: FisherInformation,
  cell: Cell,
): Promise<CellPlayed> {
  const { index, stream } = damagedStream(networks.test, cell)
  const played: CellPlayed = {}
  for (const name of cell.methods) {
    const method = await openMethod(name, networks, fisher, 1)
    try {
      played[name] = await play(method, networks, stream, index)
    } finally {
      await method.dispose()
    }
  }
  return played
}

/** The first `count` test images in the seed's order, damaged. */
export function damagedStream(
  test: LabelledImages,
  { type, severity, seed, count }: Pick<Cell, 'type' | 'severity' | 'seed' | 'count'>,
): { index: Uint32Array; stream: LabelledImages } {
  const index = shuffledIndices(test.count, seededRandom(seed)).slice(0, count)
  return { index, stream: corruptImages(chosenImages(test, index), { type, severity, set: 'cifar' }, seed) }
}

/** Copies of these images, in this order. */
export function chosenImages(images: LabelledImages, index: Uint32Array): LabelledImages {
  const size = images.channels * images.height * images.width
  const pixels = new Uint8Array(index.length * size)
  index.forEach((from, to) => {
    pixels.set(pixelsOf(images, from), to * size)
  })
  return {
    ...images,
    count: index.length,
    pixels,
    labels: Uint8Array.from(index, (at) => images.labels[at]!),
  }
}
