import { createHash } from 'node:crypto'
import { open, readFile, rename } from 'node:fs/promises'
import { deserialize, serialize } from 'node:v8'
import { edgeError } from '../errors.ts'

const MAGIC = Buffer.from('ISTA0001')
const HASH_BYTES = 32

/** Writes a file as a whole or not at all: whatever happens, what is found later is the old content or the new. */
export async function writeWhole(path: string, bytes: Uint8Array, mode = 0o600): Promise<void> {
  const draft = `${path}.new`
  const file = await open(draft, 'w', mode)
  try {
    await file.writeFile(bytes)
    // Before the name points to it, the content must have reached the disk.
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
}

/** The content of a file; undefined when there is none. */
export async function readWhole(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Writes plain data (typed arrays and maps included) with a hash. Gives its size in bytes. */
export async function writeState(path: string, state: unknown): Promise<number> {
  const body = serialize(state)
  const bytes = Buffer.concat([MAGIC, createHash('sha256').update(body).digest(), body])
  await writeWhole(path, bytes)
  return bytes.length
}

/** What `writeState` wrote; undefined when there is no file. Throws STATE_DAMAGED. */
export async function readState(path: string): Promise<unknown> {
  const bytes = await readWhole(path)
  if (bytes === undefined) return undefined
  const body = bytes.subarray(MAGIC.length + HASH_BYTES)
  const hash = bytes.subarray(MAGIC.length, MAGIC.length + HASH_BYTES)
  const isWhole =
    bytes.subarray(0, MAGIC.length).equals(MAGIC) && createHash('sha256').update(body).digest().equals(hash)
  if (!isWhole) throw edgeError('STATE_DAMAGED', `${path} is not what was written there`)
  try {
    return deserialize(body)
  } catch (error) {
    throw edgeError('STATE_DAMAGED', `${path} cannot be read`, error)
  }
}
