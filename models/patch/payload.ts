import type { NormLayout } from '../adapt/norm-layers.ts'
import { copyNormParameters, type NormParameters, normKinds } from '../adapt/norm-parameters.ts'
import { patchError } from './errors.ts'
import type { PatchDtype } from './header.ts'
import { channelsIn } from './layers.ts'

/** Bytes of the numbers of some layers before they are deflated. */
export function payloadBytes(dtype: PatchDtype, layout: NormLayout, chosen: readonly number[]): number {
  const values = normKinds.length * channelsIn(layout, chosen)
  if (dtype === 'float32') return 4 * values
  throw patchError('PATCH_BAD_OPTION', `dtype ${dtype}`)
}

/** Numbers of some layers, layer by layer: scales, shifts, means, variances. */
export function writePayload(
  dtype: PatchDtype,
  layout: NormLayout,
  chosen: readonly number[],
  target: NormParameters,
): Uint8Array {
  const bytes = new Uint8Array(payloadBytes(dtype, layout, chosen))
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const layer of chosen) {
    const { offset, channels } = layout.layers[layer]!
    for (const kind of normKinds)
      for (let channel = offset; channel < offset + channels; channel++, at += 4)
        view.setFloat32(at, target[kind][channel]!, true)
  }
  return bytes
}

/** The parameters that come of a payload and of those that it changes. They are new vectors. */
export function readPayload(
  payload: Uint8Array,
  layout: NormLayout,
  chosen: readonly number[],
  reference: NormParameters,
): NormParameters {
  const result = copyNormParameters(reference)
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
  let at = 0
  for (const layer of chosen) {
    const { offset, channels } = layout.layers[layer]!
    for (const kind of normKinds)
      for (let channel = offset; channel < offset + channels; channel++, at += 4)
        result[kind][channel] = view.getFloat32(at, true)
  }
  return result
}
