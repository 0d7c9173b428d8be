import { basename, dirname } from 'node:path'
import { decodeImage, listPhotos } from '@isthmus/models/data'
import { type Family, toPlanes } from './family.ts'
import type { Probe } from './family-learner.ts'

const MOST_IMAGES = 2000

/**
 * A probe from a folder of clean photographs. Where every one lies in a folder that bears the name of a class, that is its label; else
 * the packed network's own answers are held against. At most 2000 images, spread over the whole. Throws NO_IMAGES or BAD_IMAGE.
 */
export async function readProbe(
  folder: string,
  { imageDims }: Pick<Family, 'imageDims'>,
  labels: readonly string[],
): Promise<Probe> {
  const all = await listPhotos(folder)
  const stride = Math.max(1, all.length / MOST_IMAGES)
  const files = Array.from(
    { length: Math.min(all.length, MOST_IMAGES) },
    (_, at) => all[Math.floor(at * stride)]!,
  )
  const [, height, width] = imageDims
  const images: Uint8Array[] = []
  for (const file of files)
    images.push(toPlanes((await decodeImage(file, { width, height })).pixels, imageDims))
  const classes = files.map((file) => labels.indexOf(basename(dirname(file))))
  return classes.every((label) => label >= 0) ? { images, labels: classes } : { images }
}
