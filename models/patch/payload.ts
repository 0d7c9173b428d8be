import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import type { NormLayout } from '../adapt/norm-layers.ts'
import { copyNormParameters, type NormParameters, normKinds } from '../adapt/norm-parameters.ts'
import { codings } from './coding.ts'
import { atDifference, differenceOf } from './difference.ts'
import { patchError } from './errors.ts'
import type { PatchDtype } from './header.ts'

/** Bytes of the numbers of some layers before they are deflated. */
export const payloadBytes = (dtype: PatchDtype, { layers }: NormLayout, chosen: readonly number[]): number =>
  chosen.reduce((sum, layer) => sum + normKinds.length * codings[dtype].bytes(layers[layer]!.channels), 0)

/** Numbers of some layers, layer by layer: scales, shifts, means, variances. Throws PATCH_BAD_VALUES. */
export function writePayload(
  dtype: PatchDtype,
  layout: NormLayout,
  chosen: readonly number[],
  target: NormParameters,
  reference: NormParameters,
): Uint8Array {
  const { isAbsolute, bytes: bytesOf, write } = codings[dtype]
  const bytes = new Uint8Array(payloadBytes(dtype, layout, chosen))
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const layer of chosen) {
    const { offset, channels } = layout.layers[layer]!
    const values = new Float64Array(channels)
    for (const kind of normKinds) {
      for (let i = 0; i < channels; i++) {
        const value = target[kind][offset + i]!
        values[i] = isAbsolute ? value : differenceOf(kind, value, reference, offset + i)
      }
      write(values, view, at)
      at += bytesOf(channels)
    }
  }
  return bytes
}

/** The parameters that come of a payload and of those that it changes, as new vectors. Throws PATCH_BAD_VALUES. */
export function readPayload(
  payload: Uint8Array,
  dtype: PatchDtype,
  layout: NormLayout,
  chosen: readonly number[],
  reference: NormParameters,
): NormParameters {
  const { isAbsolute, bytes: bytesOf, read } = codings[dtype]
  const result = copyNormParameters(reference)
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
  let at = 0
  for (const layer of chosen) {
    const { offset, channels } = layout.layers[layer]!
    const values = new Float64Array(channels)
    for (const kind of normKinds) {
      read(view, at, values)
      at += bytesOf(channels)
      for (let i = 0; i < channels; i++)
        result[kind][offset + i] = isAbsolute
          ? values[i]!
          : atDifference(kind, values[i]!, reference, offset + i)
    }
  }
  return result
}

/**
 * The payload as it travels: differences are deflated when that is shorter. (The lower bits of plain float32 are noise, and what little
 * could be gained would be lost in knowing how long a patch is.)
 */
export function packed(dtype: PatchDtype, payload: Uint8Array): { bytes: Uint8Array; isDeflated: boolean } {
  if (!codings[dtype].isAbsolute) {
    const deflated = deflateRawSync(payload, { level: constants.Z_BEST_COMPRESSION })
    if (deflated.length < payload.length) return { bytes: deflated, isDeflated: true }
  }
  return { bytes: payload, isDeflated: false }
}

/** The `length` bytes of a payload. No more are ever inflated. Throws PATCH_MALFORMED. */
export function unpacked(bytes: Uint8Array, isDeflated: boolean, length: number): Uint8Array {
  const payload = isDeflated ? inflated(bytes, length) : bytes.slice()
  if (payload.length !== length)
    throw patchError('PATCH_MALFORMED', `${payload.length} bytes are not ${length} bytes of numbers`)
  return payload
}

function inflated(bytes: Uint8Array, length: number): Uint8Array {
  try {
    // With `info`, it also tells how many bytes it took.
    const { buffer, engine } = inflateRawSync(bytes, {
      maxOutputLength: length,
      info: true,
    }) as unknown as { buffer: Uint8Array; engine: { bytesWritten: number } }
    if (engine.bytesWritten === bytes.length) return buffer
  } catch (cause) {
    throw patchError('PATCH_MALFORMED', `The deflated numbers are not ${length} bytes`, cause)
  }
  throw patchError('PATCH_MALFORMED', 'There are bytes behind the deflated numbers')
}
