import { decodeExactly } from '../tails/decode-image.ts'
import type { Upload } from './fair-queue.ts'
import { type Family, toPlanes } from './family.ts'
import type { CodedPicture, Picture } from './picture.ts'

/**
 * Uploads with their pictures decoded, one after another; undefined for one that is damaged or not exactly of the network's size. Runs where it
 * may take its time.
 */
export async function readUploads(
  uploads: readonly Upload<Picture>[],
  dims: Family['imageDims'],
): Promise<(Upload | undefined)[]> {
  const read: (Upload | undefined)[] = []
  for (const { device, pixels } of uploads) {
    const planes = pixels instanceof Uint8Array ? pixels : await planesOf(pixels, dims)
    read.push(planes && { device, pixels: planes })
  }
  return read
}

async function planesOf(
  { codec, bytes }: CodedPicture,
  dims: Family['imageDims'],
): Promise<Uint8Array | undefined> {
  try {
    return toPlanes(await decodeExactly(bytes, codec, dims), dims)
  } catch {
    return undefined
  }
}
