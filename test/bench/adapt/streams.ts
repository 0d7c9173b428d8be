import type { FisherInformation } from '@isthmus/models/adapt'
import {
  benchmarkCorruptions,
  type LabelledImages,
  type Severity,
  seededRandom,
  shiftStream,
  shuffledIndices,
  sliceImages,
} from '@isthmus/models/data'
import { chosenImages } from './cell.ts'
import { type MethodName, openMethod } from './methods.ts'
import type { AdaptNetworks } from './networks.ts'
import { errorPct, play } from './played.ts'

/** A long stream and what comes after it. */
export interface StreamResult {
  readonly method: MethodName
  /** Wrong answers on the stream, in percent. */
  readonly error: number
  /** Wrong answers of the same method, going on, to clean images that it has not seen; absent where none followed. */
  readonly cleanError?: number
}

/**
 * All fifteen kinds of damage, one after the other without a new start, then clean images. `count` images of each kind, and as many
 * clean ones.
 */
export async function playSequence(
  networks: AdaptNetworks,
  fisher: FisherInformation,
  name: MethodName,
  { seed, count, clean, threads }: { seed: number; count: number; clean: number; threads: number },
): Promise<StreamResult> {
  const { test } = networks
  const order = shuffledIndices(test.count, seededRandom(seed, 1))
  // What is answered clean was never seen damaged.
  const seen = chosenImages(test, order.slice(0, test.count - clean))
  const fresh = order.slice(test.count - clean)
  const method = await openMethod(name, networks, fisher, threads)
  try {
    let wrong = 0
    for (const type of benchmarkCorruptions) {
      const { images, index } = wholeStream(seen, { type, severity: 5, seed, count })
      wrong += errorPct(await play(method, networks, images, index))
    }
    const cleanError = errorPct(await play(method, networks, chosenImages(test, fresh), fresh))
    return { method: name, error: wrong / benchmarkCorruptions.length, cleanError }
  } finally {
    await method.dispose()
  }
}

/** A stream in which most classes come in runs (Dirichlet with concentration 0.1), each kind of damage with a fresh method. */
export async function playCorrelated(
  networks: AdaptNetworks,
  fisher: FisherInformation,
  name: MethodName,
  { seed, count, threads, types }: { seed: number; count: number; threads: number; types: readonly string[] },
): Promise<StreamResult> {
  let wrong = 0
  for (const type of types) {
    const { images, index } = wholeStream(networks.test, {
      type: type as (typeof benchmarkCorruptions)[number],
      severity: 5,
      seed,
      count,
      concentration: 0.1,
    })
    const method = await openMethod(name, networks, fisher, threads)
    try {
      wrong += errorPct(await play(method, networks, images, index))
    } finally {
      await method.dispose()
    }
  }
  return { method: name, error: wrong / types.length }
}

/** `count` images under one kind of damage, in an order of their own. */
function wholeStream(
  images: LabelledImages,
  stream: {
    type: (typeof benchmarkCorruptions)[number]
    severity: Severity
    seed: number
    count: number
    concentration?: number
  },
): { images: LabelledImages; index: Uint32Array } {
  const { type, severity, seed, count, concentration } = stream
  const chosen = shuffledIndices(images.count, seededRandom(seed, severity)).slice(0, count)
  const part = chosenImages(images, chosen)
  const [batch] = shiftStream(part, {
    shifts: 'reset-per-shift',
    types: [type],
    severities: [severity],
    batchSize: count,
    seed,
    classes: concentration === undefined ? 'shuffled' : { concentration },
  })
  const index = Uint32Array.from(batch!.items, (item) => chosen[item.index]!)
  return { images: sliceImages(batch!.images, 0, count), index }
}
