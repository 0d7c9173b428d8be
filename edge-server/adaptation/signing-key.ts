import type { KeyObject } from 'node:crypto'
import { stat } from 'node:fs/promises'
import {
  newPatchKeys,
  privateKeyText,
  publicKeyOf,
  publicKeyText,
  readPrivateKey,
} from '@isthmus/models/patch'
import { edgeError } from '../errors.ts'
import { readWhole, writeWhole } from './state-file.ts'

export interface SigningKey {
  readonly privateKey: KeyObject
  /** 43 letters, for the devices' settings. */
  readonly publicText: string
}

/**
 * The key that patches are signed with: made at the first start, readable by its owner only. Throws BAD_SIGNING_KEY for a file that
 * holds no key or that others may read.
 */
export async function openSigningKey(path: string): Promise<SigningKey> {
  const pem = await readWhole(path)
  if (pem === undefined) {
    const { privateKey } = newPatchKeys()
    await writeWhole(path, Buffer.from(privateKeyText(privateKey)), 0o600)
    return { privateKey, publicText: publicKeyText(publicKeyOf(privateKey)) }
  }
  const others = (await stat(path)).mode & 0o077
  if (process.platform !== 'win32' && others !== 0)
    throw edgeError('BAD_SIGNING_KEY', `Others than its owner may read or write ${path}`)
  try {
    const privateKey = readPrivateKey(pem.toString())
    return { privateKey, publicText: publicKeyText(publicKeyOf(privateKey)) }
  } catch (error) {
    throw edgeError('BAD_SIGNING_KEY', `${path} holds no Ed25519 private key`, error)
  }
}
