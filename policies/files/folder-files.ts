import { createHash } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { policyError } from '../errors.ts'

export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Beside the old file first: a crash leaves one of the two whole. */
export async function putFile(file: string, content: Uint8Array | string): Promise<void> {
  await writeFile(`${file}.new`, content)
  await rename(`${file}.new`, file)
}

/** Throws IsthmusError `POLICY_UNREADABLE` that names the file. */
export async function bytesOf(folder: string, file: string): Promise<Buffer> {
  try {
    return await readFile(join(folder, file))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' || code === 'ENOTDIR' ? 'there is none' : (code ?? 'it cannot be read')
    throw policyError('POLICY_UNREADABLE', `${join(folder, file)}: ${why}; is ${folder} a policy's folder?`)
  }
}

/** Reads a file of a hash that is known. Throws IsthmusError `POLICY_UNREADABLE` and `POLICY_CHANGED`. */
export async function sealedBytesOf(folder: string, file: string, sha256: string): Promise<Buffer> {
  const bytes = await bytesOf(folder, file)
  const found = sha256Of(bytes)
  if (found === sha256) return bytes
  throw policyError(
    'POLICY_CHANGED',
    `${join(folder, file)} has SHA-256 ${found}, its manifest says ${sha256}`,
  )
}

/** The folder's manifest as JSON has it. Throws IsthmusError `POLICY_UNREADABLE` and `BAD_POLICY`. */
export async function manifestOf(folder: string): Promise<unknown> {
  const bytes = await bytesOf(folder, 'manifest.json')
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    throw policyError('BAD_POLICY', `manifest: ${folder} holds no JSON: ${(error as Error).message}`)
  }
}

/** Writes the folder's manifest. */
export const putManifest = (folder: string, manifest: unknown): Promise<void> =>
  putFile(join(folder, 'manifest.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)
