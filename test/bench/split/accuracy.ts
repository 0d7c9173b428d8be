import type { Bundle, Mode } from '@isthmus/models/bundle'
import { dequantize, quantize } from '@isthmus/models/codec'
import { batchFiller, type LabelledImages } from '@isthmus/models/data'
import { openSession, type Session } from '@isthmus/models/runtime'
import { argmax } from '@isthmus/models/train'

export type SplitMode = Extract<Mode, { route: 'split' }>

/** Which images a classifier got right, 1 each. */
export type Hits = Uint8Array

const BATCH = 250

type Classify = (rows: number, pixels: Float32Array) => Promise<Float32Array>

/** Runs every image, normalised as the manifest says and nothing more, through `classify`, which returns its scores. */
async function hits(bundle: Bundle, images: LabelledImages, classify: Classify): Promise<Hits> {
  const { channels, height, width, count, labels } = images
  const { mean, std } = bundle.manifest.input
  const fill = batchFiller(images, { mean, std })
  const classes = bundle.manifest.labels.length
  const right = new Uint8Array(count)
  for (let start = 0; start < count; start += BATCH) {
    const rows = Math.min(BATCH, count - start)
    const pixels = new Float32Array(rows * channels * height * width)
    fill(
      Uint32Array.from({ length: rows }, (_, row) => start + row),
      0,
      pixels,
    )
    const scores = await classify(rows, pixels)
    for (let row = 0; row < rows; row++) {
      right[start + row] = argmax(scores, row * classes, classes) === labels[start + row] ? 1 : 0
    }
  }
  return right
}

/** One model from images to scores: the teacher (`full`) or the device's own (`local`). */
export async function modelHits(
  bundle: Bundle,
  which: 'full' | 'local',
  images: LabelledImages,
  threads: number,
): Promise<Hits> {
  const session = await openSession(bundle.modelBytes(which), { intraOpThreads: threads })
  try {
    const { input, output } = bundle.manifest
    return await hits(bundle, images, (rows, data) =>
      run(session, input.name, [rows, ...input.dims], data, output.name),
    )
  } finally {
    await session.dispose()
  }
}

/** Head, quantiser, coded bytes, and from these bytes alone: dequantiser and tail. Also the largest and the mean payload. */
export async function splitHits(
  bundle: Bundle,
  { quantizer }: SplitMode,
  images: LabelledImages,
  threads: number,
): Promise<{ hits: Hits; payloadBytes: number; meanPayloadBytes: number }> {
  const { input, output, latent } = bundle.manifest
  if (!latent) throw new Error(`Bundle ${bundle.id} has a split mode but no latent.`)
  const head = await openSession(bundle.modelBytes('head'), { intraOpThreads: threads })
  const tail = await openSession(bundle.modelBytes('tail'), { intraOpThreads: threads })
  const size = latent.dims.reduce((product, dim) => product * dim, 1)
  let payloadBytes = 0
  let bytes = 0
  try {
    const right = await hits(bundle, images, async (rows, data) => {
      const values = await run(head, input.name, [rows, ...input.dims], data, latent.name)
      const received = new Float32Array(rows * size)
      for (let row = 0; row < rows; row++) {
        const coded = quantize(values.subarray(row * size, (row + 1) * size), quantizer)
        payloadBytes = Math.max(payloadBytes, coded.packed.length)
        bytes += coded.packed.length
        received.set(dequantize(coded.packed.slice(), size, quantizer, coded), row * size)
      }
      return run(tail, latent.name, [rows, ...latent.dims], received, output.name)
    })
    return { hits: right, payloadBytes, meanPayloadBytes: bytes / images.count }
  } finally {
    await head.dispose()
    await tail.dispose()
  }
}

async function run(
  session: Session,
  input: string,
  dims: readonly number[],
  data: Float32Array,
  output: string,
): Promise<Float32Array> {
  const results = await session.run({ [input]: { dtype: 'float32', dims, data } })
  return results[output]!.data as Float32Array
}
