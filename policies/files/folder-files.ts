import { readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { policyError } from '../errors.ts'

/** A manifest that is longer is none. */
const LONGEST_MANIFEST = 4_000_000

/** Reads a file of a policy's folder. Throws IsthmusError `POLICY_UNREADABLE` for one that is missing. */
export async function bytesOf(folder: string, file: string): Promise<Buffer> {
  try {
    return await readFile(join(folder, file))
  } catch (error) {
    throw unreadable(folder, file, error)
  }
}

/** Length of a file, to be looked at before it is read. Throws as {@link bytesOf}. */
export async function lengthOfFile(folder: string, file: string): Promise<number> {
  try {
    return (await stat(join(folder, file))).size
  } catch (error) {
    throw unreadable(folder, file, error)
  }
}

function unreadable(folder: string, file: string, error: unknown) {
  const { code } = error as NodeJS.ErrnoException
  const why = code === 'ENOENT' || code === 'ENOTDIR' ? 'there is none' : (code ?? 'it cannot be read')
  return policyError('POLICY_UNREADABLE', `${join(folder, file)}: ${why}; is ${folder} a policy's folder?`)
}

/** The manifest of a folder as JSON. Throws as {@link bytesOf}, and IsthmusError `BAD_POLICY` for one that is none. */
export async function manifestOf(folder: string): Promise<unknown> {
  const length = await lengthOfFile(folder, 'manifest.json')
  if (length > LONGEST_MANIFEST) {
    throw policyError('BAD_POLICY', `manifest: ${folder} has one of ${length} bytes, far too long`)
  }
  const bytes = await bytesOf(folder, 'manifest.json')
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    throw policyError('BAD_POLICY', `manifest: ${folder} holds no JSON: ${(error as Error).message}`)
  }
}

/** Beside the old file first: a crash leaves one of the two whole. */
export async function put(file: string, content: Uint8Array | string): Promise<void> {
  await writeFile(`${file}.new`, content, { flush: true })
  await rename(`${file}.new`, file)
}
