import { describe, expect, it } from 'vitest'
import {
  newPatchKeys,
  privateKeyText,
  publicKeyOf,
  publicKeyText,
  readPrivateKey,
  readPublicKey,
} from './index.ts'
import { codeOf } from './patch.test.kit.ts'

describe('keys of patches', () => {
  it('are written as text and read again', () => {
    const { privateKey, publicKey } = newPatchKeys()
    expect(publicKeyText(publicKey)).toHaveLength(43)
    expect(readPublicKey(`${publicKeyText(publicKey)}\n`).equals(publicKey)).toBe(true)
    expect(
      readPublicKey(publicKey.export({ type: 'spki', format: 'pem' }).toString()).equals(publicKey),
    ).toBe(true)
    const again = readPrivateKey(privateKeyText(privateKey))
    expect(publicKeyOf(again).equals(publicKey)).toBe(true)
  })

  it('are refused when they are something else', () => {
    const { privateKey, publicKey } = newPatchKeys()
    expect(codeOf(() => readPublicKey('short'))).toBe('PATCH_BAD_KEY')
    expect(codeOf(() => readPrivateKey(publicKeyText(publicKey)))).toBe('PATCH_BAD_KEY')
    expect(codeOf(() => publicKeyText(privateKey))).toBe('PATCH_BAD_KEY')
    expect(codeOf(() => publicKeyOf(publicKey))).toBe('PATCH_BAD_KEY')
  })
})
