import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { modelError } from '../errors.ts'
import { type Bundle, bundleFromFiles, checkLength, type LoadOptions, MAX_MANIFEST_BYTES } from './bundle.ts'
import { readPlainFile } from './plain-file.ts'

export const sha256Hex = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

const unreadable = (detail: string, cause?: unknown) => modelError('BUNDLE_UNREADABLE', detail, cause)

/**
 * Loads a bundle from its folder; length and SHA-256 of every loaded file are verified.
 *
 * Throws `BUNDLE_UNREADABLE` for a folder without a manifest, `BAD_MANIFEST` naming the path of the fault, and
 * `BUNDLE_FILE_MISSING` or `BUNDLE_FILE_CHANGED` naming the file.
 */
export async function loadBundle(dir: string, options: LoadOptions = {}): Promise<Bundle> {
  const checkManifest = (bytes: number) => {
    if (bytes > MAX_MANIFEST_BYTES) throw modelError('BAD_MANIFEST', `manifest.json has ${bytes} bytes.`)
  }
  const manifestBytes = await readPlainFile(join(dir, 'manifest.json'), checkManifest, unreadable)
  if (!manifestBytes) throw modelError('BUNDLE_UNREADABLE', `There is no manifest.json in ${dir}.`)
  return bundleFromFiles(
    manifestBytes,
    async (file, expected) => {
      const bytes = await readPlainFile(
        join(dir, file),
        (length) => checkLength(expected, length),
        unreadable,
      )
      if (bytes) return bytes
      throw modelError('BUNDLE_FILE_MISSING', `'${file}' is missing in ${dir}.`)
    },
    async (bytes) => sha256Hex(bytes),
    options,
  )
}
