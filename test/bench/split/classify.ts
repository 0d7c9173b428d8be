import type { Manifest } from '@isthmus/models/bundle'
import { type LabelledImages, type RgbImage, toTensor } from '@isthmus/models/data'
import { elementCount } from '@isthmus/models/onnx'
import { openSession, type Session } from '@isthmus/models/runtime'
import { argmax } from '@isthmus/models/train'

/** The class that a network gave each picture. */
export type Classes = Uint16Array

/** Which pictures were classified as they should be, 1 each. */
export type Hits = Uint8Array

/** The network's side of a manifest: what it takes, and what it gives. */
export type Interface = Pick<Manifest, 'input' | 'output'>

/** Scores [rows, classes] of a batch of input tensors. */
export type Score = (rows: number, tensors: Float32Array) => Promise<Float32Array>

/** Tensors of a batch hold no more elements, so that pictures of any size fit into memory. */
const BATCH_ELEMENTS = 2 ** 20
const MOST_ROWS = 250

/** The pictures of a data set, each as RGB interleaved. */
export function picturesOf({ count, height, width, pixels: planar }: LabelledImages): RgbImage[] {
  const plane = height * width
  return Array.from({ length: count }, (_, image) => {
    const pixels = new Uint8Array(3 * plane)
    for (let channel = 0; channel < 3; channel++) {
      const begin = (3 * image + channel) * plane
      for (let at = 0; at < plane; at++) pixels[3 * at + channel] = planar[begin + at]!
    }
    return { pixels, width, height }
  })
}

export interface Batch {
  /** Index of its first picture. */
  readonly start: number
  readonly rows: number
  /** `[rows, …input.dims]`. */
  readonly tensors: Float32Array
}

/** The pictures in batches, normalised as the manifest says and nothing more. */
export async function* batchesOf(
  { input }: Pick<Interface, 'input'>,
  pictures: readonly RgbImage[],
): AsyncGenerator<Batch> {
  const size = elementCount(input.dims)
  const most = Math.max(1, Math.min(MOST_ROWS, Math.floor(BATCH_ELEMENTS / size)))
  for (let start = 0; start < pictures.length; start += most) {
    const some = pictures.slice(start, start + most)
    const tensors = new Float32Array(some.length * size)
    await Promise.all(
      some.map((picture, row) => toTensor(picture, input, tensors.subarray(row * size, (row + 1) * size))),
    )
    yield { start, rows: some.length, tensors }
  }
}

/** The class with the highest of each row's scores. */
export function bestClasses(scores: Float32Array, rows: number): Classes {
  const classes = scores.length / rows
  return Uint16Array.from({ length: rows }, (_, row) => argmax(scores, row * classes, classes))
}

/** What `score` makes of every picture. */
export async function classify(
  face: Pick<Interface, 'input'>,
  pictures: readonly RgbImage[],
  score: Score,
): Promise<Classes> {
  const found = new Uint16Array(pictures.length)
  for await (const { start, rows, tensors } of batchesOf(face, pictures)) {
    found.set(bestClasses(await score(rows, tensors), rows), start)
  }
  return found
}

/** The whole of a network as a way to score: open it once, use it for any number of pictures. */
export async function openNetwork(
  { input, output }: Interface,
  model: Uint8Array | string,
  threads: number,
): Promise<{ score: Score; dispose: () => Promise<void> }> {
  const session = await openSession(model, { intraOpThreads: threads })
  return {
    score: (rows, tensors) => run(session, input.name, [rows, ...input.dims], tensors, output.name),
    dispose: () => session.dispose(),
  }
}

/** {@link classify} by one network. */
export async function classifyBy(
  face: Interface,
  model: Uint8Array | string,
  pictures: readonly RgbImage[],
  threads: number,
): Promise<Classes> {
  const network = await openNetwork(face, model, threads)
  try {
    return await classify(face, pictures, network.score)
  } finally {
    await network.dispose()
  }
}

/** One tensor in, one tensor out. */
export async function run(
  session: Session,
  input: string,
  dims: readonly number[],
  data: Float32Array,
  output: string,
): Promise<Float32Array> {
  const results = await session.run({ [input]: { dtype: 'float32', dims, data } })
  return results[output]!.data as Float32Array
}

/** Where `found` is `wanted`: a label, or what another network said. */
export const hitsOf = (found: Classes, wanted: ArrayLike<number>): Hits =>
  Uint8Array.from(found, (value, at) => (value === wanted[at] ? 1 : 0))

export const countHits = (hits: Hits): number => hits.reduce((sum, hit) => sum + hit, 0)

/** In percent. */
export const percentage = (hits: Hits): number => (100 * countHits(hits)) / hits.length
