import { readdir, stat } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'
import { dataError, reasonOf } from './errors.ts'

const extensions = new Set(['.jpg', '.jpeg', '.png', '.webp', '.gif', '.tif', '.tiff', '.avif'])

/**
 * The image files in a folder and the folders below it, as paths that start with `folder`, in code-unit order
 * (the same on every machine). What is hidden, or in a hidden folder (thumbnails, version control), is left out. Linked
 * files are taken, linked folders not entered.
 *
 * @throws NO_IMAGES when the folder cannot be read or holds none
 */
export async function listPhotos(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((cause) => {
    throw dataError('NO_IMAGES', `cannot read the folder ${folder}: ${reasonOf(cause)}`, cause)
  })
  const photos: string[] = []
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name)
    const hidden = relative(folder, path)
      .split(sep)
      .some((name) => name.startsWith('.'))
    if (hidden || !extensions.has(extname(entry.name).toLowerCase())) continue
    if (entry.isFile() || (entry.isSymbolicLink() && (await isFile(path)))) photos.push(path)
  }
  if (photos.length === 0) {
    throw dataError('NO_IMAGES', `no photos in ${folder}: looked for ${[...extensions].join(', ')}`)
  }
  return photos.sort()
}

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (entry) => entry.isFile(),
    () => false,
  )
