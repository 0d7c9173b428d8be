import { createPrivateKey, createPublicKey, generateKeyPairSync, KeyObject } from 'node:crypto'
import { patchError } from './errors.ts'

/** A pair of Ed25519 keys: the server signs with the private one, devices are given the public one. */
export interface PatchKeys {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

export const newPatchKeys = (): PatchKeys => generateKeyPairSync('ed25519')

/** The private key as PEM (PKCS #8), for a file that only the server can read. */
export const privateKeyText = (key: KeyObject): string =>
  key.export({ type: 'pkcs8', format: 'pem' }).toString()

/** The 32 bytes of a public key in base64url: 43 letters that fit a line of a device's settings. */
export function publicKeyText(key: KeyObject): string {
  const { x } = checkedKey(key, 'public').export({ format: 'jwk' })
  return x!
}

/** The private key of a PEM text. Throws PATCH_BAD_KEY. */
export const readPrivateKey = (pem: string): KeyObject =>
  checkedKey(
    made(() => createPrivateKey(pem)),
    'private',
  )

/** The public key of 43 letters as `publicKeyText` gives them, or of a PEM text. Throws PATCH_BAD_KEY. */
export function readPublicKey(text: string): KeyObject {
  const trimmed = text.trim()
  const key = /^[\w-]{43}$/.test(trimmed)
    ? made(() => createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: trimmed } }))
    : made(() => createPublicKey(text))
  return checkedKey(key, 'public')
}

/** The public half that belongs to a private key. */
export const publicKeyOf = (privateKey: KeyObject): KeyObject =>
  createPublicKey(checkedKey(privateKey, 'private'))

export function checkedKey(key: KeyObject, half: 'private' | 'public'): KeyObject {
  const isRight = key instanceof KeyObject && key.type === half && key.asymmetricKeyType === 'ed25519'
  if (!isRight) throw patchError('PATCH_BAD_KEY', `This is no ${half} Ed25519 key`)
  return key
}

function made(make: () => KeyObject): KeyObject {
  try {
    return make()
  } catch (cause) {
    throw patchError('PATCH_BAD_KEY', 'The text holds no key', cause)
  }
}
