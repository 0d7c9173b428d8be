import { basename, relative } from 'node:path'
import type { ImageCoding } from '../bundle/manifest.ts'
import type { ImageInput } from '../data/image-files.ts'
import { listPhotos } from '../data/photo-folder.ts'
import { evenly, labelFinder, MAX_PAYLOAD_BYTES, packError, sizeOf, surveyPhotos } from '../pack/index.ts'
import { formatBytes, type Output } from './kit/index.ts'
import type { PackOptions } from './pack-options.ts'
import { estimateJpeg } from './photo-bytes.ts'

/** The photos that a bundle is made with, and what they say. Without any, all lists are empty. */
export interface PackPhotos {
  /** To which the quantiser is fitted. */
  readonly calibration: readonly string[]
  /** On which the modes are tried. */
  readonly trial: readonly string[]
  /** Of the photos of `trial`, when that is known. */
  readonly classOf: ((path: string) => number) | undefined
  /** The data of the trial, in words. */
  readonly trialName: string | undefined
  /** Bytes of a photo as JPEG 75, and as the edge mode sends it; estimated without photos. */
  readonly jpegBytes: number
  readonly imageBytes: number
}

const jpeg75: ImageCoding = { codec: 'jpeg', quality: 75 }

/** What an image takes when there is none to measure. */
function estimatedBytes({ codec, quality = 90 }: ImageCoding, input: ImageInput): number {
  const { width, height } = sizeOf(input)
  if (codec === 'raw') return width * height * 3
  if (codec === 'jpeg') return estimateJpeg(width, height, quality)
  throw packError(
    'CANNOT_PACK',
    `What a photo takes as ${codec} is measured: add --photos DIR, or choose --edge jpeg:90.`,
  )
}

/** Throws PAYLOAD_TOO_LARGE when the edge mode's photos do not fit into a message. */
function checkImageSize(bytes: number): void {
  if (bytes <= MAX_PAYLOAD_BYTES) return
  const limit = `a message carries ${formatBytes(MAX_PAYLOAD_BYTES)}`
  throw packError(
    'PAYLOAD_TOO_LARGE',
    `A photo of this size takes ${formatBytes(bytes)} as --edge has it, and ${limit}. Choose --edge jpeg:50 or --edge none.`,
  )
}

/** Finds and reads the photos. Throws LABELS_MISMATCH, NO_IMAGES, PAYLOAD_TOO_LARGE. */
export async function readPhotos(
  options: PackOptions,
  labels: readonly string[],
  input: ImageInput,
  output: Output,
): Promise<PackPhotos> {
  const { photos, labelled, limit, background, image } = options
  const codings = [jpeg75, ...(image ? [image] : [])]
  if (photos === undefined && labelled === undefined) {
    const [jpegBytes, imageBytes] = codings.map((coding) => estimatedBytes(coding, input)) as [number, number]
    if (image) checkImageSize(imageBytes)
    return { calibration: [], trial: [], classOf: undefined, trialName: undefined, jpegBytes, imageBytes }
  }
  if (image?.codec === 'raw') checkImageSize(estimatedBytes(image, input))
  const folders = new Map<string, readonly string[]>()
  for (const folder of [photos, labelled]) {
    if (folder !== undefined) folders.set(folder, evenly(await listPhotos(folder), limit))
  }
  const classes = new Map<string, number>()
  if (labelled !== undefined) {
    const find = labelFinder(labels, background)
    for (const path of folders.get(labelled)!) classes.set(path, find(relative(labelled, path)))
  }
  const paths = [...new Set([...folders.values()].flat())]
  const { readable, unreadable, meanBytes } = await surveyPhotos(paths, input, codings, (done) =>
    output.progress?.('reading photos', done, paths.length),
  )
  if (unreadable[0]) {
    const more = unreadable.length > 1 ? ` (and ${unreadable.length - 1} more)` : ''
    output.warn(`Note: passed over ${unreadable[0].path}: ${unreadable[0].reason}${more}`)
  }
  const kept = new Set(readable)
  const usable = (folder: string) => {
    const left = folders.get(folder)!.filter((path) => kept.has(path))
    if (left.length > 0) return left
    throw packError('CANNOT_PACK', `No photo of ${folder} can be read.`)
  }
  const trial = usable((labelled ?? photos)!)
  const [jpegBytes, imageBytes = 0] = meanBytes as [number, number?]
  checkImageSize(imageBytes)
  return {
    calibration: usable((photos ?? labelled)!),
    trial,
    classOf: labelled === undefined ? undefined : (path) => classes.get(path)!,
    trialName: `${trial.length} photos of ${basename((labelled ?? photos)!)}`,
    jpegBytes,
    imageBytes,
  }
}
