import { type KeyObject, verify } from 'node:crypto'
import { crc32 } from '@isthmus/proto'
import { patchError } from './errors.ts'
import { CHECKSUM_BYTES, HEADER_BYTES, type PatchHeader, readHeader, SIGNATURE_BYTES } from './header.ts'
import { checkedKey } from './keys.ts'
import { bitmapBytes } from './layers.ts'

/** A patch whose form and checksum are right, and where its numbers lie. Who made it is not known yet. */
export interface Envelope {
  readonly bytes: Uint8Array
  readonly header: PatchHeader
  readonly payloadAt: number
  /** End of the numbers. */
  readonly bodyBytes: number
}

/** Throws PATCH_MALFORMED, PATCH_CORRUPT. */
export function readEnvelope(bytes: Uint8Array): Envelope {
  const header = readHeader(bytes)
  const payloadAt = HEADER_BYTES + bitmapBytes(header.layers)
  const bodyBytes = bytes.length - CHECKSUM_BYTES - SIGNATURE_BYTES
  if (bodyBytes <= payloadAt)
    throw patchError('PATCH_MALFORMED', `The patch ends after ${bytes.length} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(bodyBytes, true) !== crc32(bytes, bodyBytes))
    throw patchError('PATCH_CORRUPT', 'The patch has changed on its way')
  return { bytes, header, payloadAt, bodyBytes }
}

/** Throws PATCH_UNTRUSTED, PATCH_BAD_KEY. */
export function checkSignature({ bytes, bodyBytes }: Envelope, publicKey: KeyObject): void {
  const signed = bytes.subarray(0, bodyBytes + CHECKSUM_BYTES)
  if (!verify(null, signed, checkedKey(publicKey, 'public'), bytes.subarray(signed.length)))
    throw patchError('PATCH_UNTRUSTED', 'The signature does not fit')
}

/** Throws PATCH_FROM_THE_FUTURE. */
export function checkIssued({ issuedS }: PatchHeader, nowS: number, toleranceS: number): void {
  if (issuedS > nowS + toleranceS)
    throw patchError('PATCH_FROM_THE_FUTURE', `Made ${Math.ceil(issuedS - nowS)} s from now`)
}
