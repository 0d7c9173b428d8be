import { readFile, rename, writeFile } from 'node:fs/promises'
import { batchFiller, type LabelledImages } from '../data/index.ts'
import type { Session } from '../runtime/index.ts'
import { normalisation } from './measure.ts'

export interface SoftLabelOptions {
  /** Share of the label in the target; the rest is the teacher's answer. */
  readonly labelShare: number
  /** Softens the teacher's answer (Hinton et al. 2015). Default 1. */
  readonly temperature?: number
}

/**
 * The teacher's answers to all images and to their mirror images, averaged, mixed with the labels:
 * probabilities [count, 10].
 */
export async function softLabels(
  teacher: Session,
  images: LabelledImages,
  { labelShare, temperature = 1 }: SoftLabelOptions,
): Promise<Float32Array> {
  const targets = new Float32Array(images.count * 10)
  const batch = 250
  const pixels = new Float32Array(batch * 3 * 32 * 32)
  // Two epochs of alternating flips show each image from both sides.
  const fill = batchFiller(images, { ...normalisation, flip: 'alternating' })
  for (let start = 0; start < images.count; start += batch) {
    const indices = Uint32Array.from(
      { length: Math.min(batch, images.count - start) },
      (_, row) => start + row,
    )
    for (const side of [0, 1]) {
      fill(indices, side, pixels)
      const data = pixels.subarray(0, indices.length * 3 * 32 * 32)
      const { logits } = await teacher.run({
        input: { dtype: 'float32', dims: [indices.length, 3, 32, 32], data },
      })
      const values = logits!.data as Float32Array
      indices.forEach((index, row) => {
        const own = values.subarray(10 * row, 10 * row + 10)
        const highest = Math.max(...own)
        const scores = Array.from(own, (score) => Math.exp((score - highest) / temperature))
        const total = scores.reduce((sum, score) => sum + score, 0)
        scores.forEach((score, label) => {
          targets[10 * index + label]! += ((1 - labelShare) * score) / total / 2
        })
      })
    }
  }
  images.labels.forEach((label, index) => {
    targets[10 * index + label]! += labelShare
  })
  return targets
}

/**
 * {@link softLabels} by a teacher that need not be asked again when a recipe goes on: kept in `file`, under what they depend on.
 */
export async function keptSoftLabels(
  file: string,
  identity: string,
  make: () => Promise<Float32Array>,
): Promise<Float32Array> {
  const kept = await readFile(file).catch(() => undefined)
  const line = kept?.subarray(0, Math.max(0, kept.indexOf('\n'))).toString()
  const values = kept?.subarray((line?.length ?? 0) + 1)
  if (kept && values && line === `${identity} ${values.length}`) {
    return new Float32Array(Uint8Array.from(values).buffer)
  }
  const labels = await make()
  const head = Buffer.from(`${identity} ${labels.byteLength}\n`)
  const part = `${file}.part`
  await writeFile(
    part,
    Buffer.concat([head, new Uint8Array(labels.buffer, labels.byteOffset, labels.byteLength)]),
  )
  await rename(part, file)
  return labels
}
