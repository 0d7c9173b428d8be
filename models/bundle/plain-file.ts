import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

/** Opening a pipe in place of a file must not wait for somebody to write into it. Windows has no such flag. */
const readOnly = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/**
 * The bytes of a plain file, or nothing when there is none. `check` sees the length before memory is allocated for it.
 * Throws what `check` throws, and what `unreadable` makes of other reasons.
 */
export async function readPlainFile(
  path: string,
  check: (bytes: number) => void,
  unreadable: (detail: string, cause?: unknown) => Error,
): Promise<Uint8Array | undefined> {
  let file: FileHandle
  try {
    file = await open(path, readOnly)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw unreadable(`${path} cannot be read: ${message}.`, error)
  }
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw unreadable(`${path} cannot be read: it is not a plain file.`)
    check(stat.size)
    return await file.readFile()
  } finally {
    await file.close()
  }
}
