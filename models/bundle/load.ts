import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { modelError } from '../errors.ts'
import { type Bundle, bundleFromFiles, checkLength, type LoadOptions, MAX_MANIFEST_BYTES } from './bundle.ts'

export const sha256Hex = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Opening a pipe in place of a file must not wait for somebody to write into it. Windows has no such flag. */
const readOnly = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/**
 * The bytes of a plain file, or nothing when there is none. `check` sees the length before memory is allocated for it.
 * Throws `BUNDLE_UNREADABLE` and what `check` throws.
 */
async function readPlainFile(path: string, check: (bytes: number) => void): Promise<Uint8Array | undefined> {
  const unreadable = (reason: string, cause?: unknown) =>
    modelError('BUNDLE_UNREADABLE', `${path} cannot be read: ${reason}.`, cause)
  let file: FileHandle
  try {
    file = await open(path, readOnly)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw unreadable(message, error)
  }
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw unreadable('it is not a plain file')
    check(stat.size)
    return await file.readFile()
  } finally {
    await file.close()
  }
}

/**
 * Loads a bundle from its folder; length and SHA-256 of every loaded file are verified.
 *
 * Throws `BUNDLE_UNREADABLE` for a folder without a manifest, `BAD_MANIFEST` naming the path of the fault, and
 * `BUNDLE_FILE_MISSING` or `BUNDLE_FILE_CHANGED` naming the file.
 */
export async function loadBundle(dir: string, options: LoadOptions = {}): Promise<Bundle> {
  const manifestBytes = await readPlainFile(join(dir, 'manifest.json'), (bytes) => {
    if (bytes > MAX_MANIFEST_BYTES) throw modelError('BAD_MANIFEST', `manifest.json has ${bytes} bytes.`)
  })
  if (!manifestBytes) throw modelError('BUNDLE_UNREADABLE', `There is no manifest.json in ${dir}.`)
  return bundleFromFiles(
    manifestBytes,
    async (file, expected) => {
      const bytes = await readPlainFile(join(dir, file), (length) => checkLength(expected, length))
      if (bytes) return bytes
      throw modelError('BUNDLE_FILE_MISSING', `'${file}' is missing in ${dir}.`)
    },
    async (bytes) => sha256Hex(bytes),
    options,
  )
}
