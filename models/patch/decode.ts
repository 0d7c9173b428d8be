import type { KeyObject } from 'node:crypto'
import type { NormLayout } from '../adapt/norm-layers.ts'
import { checkIssued, checkSignature, readEnvelope } from './envelope.ts'
import { patchError } from './errors.ts'
import { compareVersions, HEADER_BYTES, type PatchHeader, type PatchVersion } from './header.ts'
import { layersOfBitmap, layoutChecksum } from './layers.ts'
import { payloadBytes, unpacked } from './payload.ts'

/** A patch that has been checked and can be applied. */
export interface Patch {
  readonly header: PatchHeader
  readonly layout: NormLayout
  /** Numbers of the layers that it changes, rising. */
  readonly layers: readonly number[]
  /** Its numbers, inflated. */
  readonly payload: Uint8Array
}

export interface DecodeOptions {
  readonly layout: NormLayout
  readonly family: Uint8Array
  /** The key that is trusted. */
  readonly publicKey: KeyObject
  /** What is held: version 0 for the base network itself. */
  readonly current: PatchVersion
  /**
   * The newest version that was ever accepted, where that is not the current one: after a roll-back, the version that was
   * turned down does not come back. Default: `current`.
   */
  readonly newest?: PatchVersion
  /** Seconds since 1970. */
  readonly nowS: number
  /** How far the clock of the server may be ahead. Default 300 s. */
  readonly toleranceS?: number
}

/**
 * Reads a patch and checks all that can be known before it is applied: form, checksum, family, layout, signature, time, version and what
 * it is a difference to. Nothing is allocated before the lengths fit. Throws the codes of `patchErrors`; a caller who gets
 * PATCH_NEEDS_SNAPSHOT asks the server for one.
 */
export function decodePatch(bytes: Uint8Array, options: DecodeOptions): Patch {
  const { layout, family, publicKey, current, newest = current, nowS, toleranceS = 300 } = options
  const envelope = readEnvelope(bytes)
  const { header, payloadAt, bodyBytes } = envelope
  if (!isSame(header.family, family))
    throw patchError('PATCH_OTHER_FAMILY', 'The patch is for another network')
  if (header.layers !== layout.layers.length || header.layoutChecksum !== layoutChecksum(layout))
    throw patchError(
      'PATCH_OTHER_LAYOUT',
      `The patch is for ${header.layers} layers with other names or channels`,
    )
  checkSignature(envelope, publicKey)
  checkIssued(header, nowS, toleranceS)
  if (compareVersions(header, newest) <= 0)
    throw patchError('PATCH_REPLAYED', `Version ${named(header)} comes after version ${named(newest)}`)
  const fits = header.against === 0 || compareVersions(current, { ...header, version: header.against }) === 0
  if (!fits)
    throw patchError(
      'PATCH_NEEDS_SNAPSHOT',
      `Version ${named(header)} builds on ${header.against}, held is ${named(current)}`,
    )
  const layers = layersOfBitmap(bytes.subarray(HEADER_BYTES, payloadAt), header.layers)
  const length = payloadBytes(header.dtype, layout, layers)
  const payload = unpacked(bytes.subarray(payloadAt, bodyBytes), header.isDeflated, length)
  return { header, layout, layers, payload }
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, at) => byte === b[at])

const named = ({ epoch, version }: PatchVersion): string => `${epoch}.${version}`
