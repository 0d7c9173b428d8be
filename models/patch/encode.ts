import { type KeyObject, sign } from 'node:crypto'
import { crc32 } from '@isthmus/proto'
import type { NormLayout } from '../adapt/norm-layers.ts'
import { checkNormParameters, type NormParameters } from '../adapt/norm-parameters.ts'
import { patchError } from './errors.ts'
import {
  CHECKSUM_BYTES,
  FAMILY_BYTES,
  HEADER_BYTES,
  type PatchDtype,
  type PatchVersion,
  SIGNATURE_BYTES,
  writeHeader,
} from './header.ts'
import { checkedKey } from './keys.ts'
import { bitmapBytes, chosenLayers, layersToBitmap, layoutChecksum } from './layers.ts'
import { parametersChecksum } from './parameter-bytes.ts'
import { packed, readPayload, writePayload } from './payload.ts'

export interface EncodeOptions extends PatchVersion {
  readonly layout: NormLayout
  /** SHA-256 of the ONNX file of the base network, 32 bytes. */
  readonly family: Uint8Array
  /** The version whose parameters `reference` are; 0 (default): the base network's. */
  readonly against?: number
  /** What receivers are to hold. */
  readonly target: NormParameters
  /** What receivers hold who have version `against`. */
  readonly reference: NormParameters
  readonly dtype: PatchDtype
  /** Numbers of the layers that travel; the others stay as they are in `reference`. Default: all. */
  readonly layers?: readonly number[]
  /** Seconds since 1970. */
  readonly issuedS: number
  readonly privateKey: KeyObject
}

export interface EncodedPatch {
  readonly bytes: Uint8Array
  /** What receivers hold once they have applied it, to the last bit: `target` but for layers left out and what rounding took. */
  readonly result: NormParameters
}

/** Makes a signed patch. Throws NORM_MISMATCH, NORM_NOT_FINITE, PATCH_BAD_OPTION, PATCH_BAD_VALUES, PATCH_BAD_KEY. */
export function encodePatch(options: EncodeOptions): EncodedPatch {
  const { layout, family, target, reference, dtype, privateKey, against = 0 } = options
  checkNormParameters(target, layout)
  checkNormParameters(reference, layout)
  if (family.length !== FAMILY_BYTES)
    throw patchError('PATCH_BAD_OPTION', `family: ${family.length} bytes are no SHA-256`)
  if (options.version < 1 || against >= options.version)
    throw patchError('PATCH_BAD_OPTION', `version ${options.version} cannot follow version ${against}`)
  const chosen = chosenLayers(layout, options.layers)
  const payload = writePayload(dtype, layout, chosen, target, reference)
  const result = readPayload(payload, dtype, layout, chosen, reference)
  const { bytes: numbers, isDeflated } = packed(dtype, payload)
  const layers = layout.layers.length
  const bodyBytes = HEADER_BYTES + bitmapBytes(layers) + numbers.length
  const bytes = new Uint8Array(bodyBytes + CHECKSUM_BYTES + SIGNATURE_BYTES)
  writeHeader(bytes, {
    dtype,
    isDeflated,
    family,
    layers,
    layoutChecksum: layoutChecksum(layout),
    epoch: options.epoch,
    version: options.version,
    against,
    issuedS: Math.floor(options.issuedS),
    resultChecksum: parametersChecksum(result),
  })
  bytes.set(layersToBitmap(chosen, layers), HEADER_BYTES)
  bytes.set(numbers, bodyBytes - numbers.length)
  new DataView(bytes.buffer).setUint32(bodyBytes, crc32(bytes, bodyBytes), true)
  const signed = bytes.subarray(0, bodyBytes + CHECKSUM_BYTES)
  bytes.set(sign(null, signed, checkedKey(privateKey, 'private')), signed.length)
  return { bytes, result }
}
