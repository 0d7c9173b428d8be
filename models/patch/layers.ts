import { crc32 } from '@isthmus/proto'
import type { NormLayout } from '../adapt/norm-layers.ts'
import { patchError } from './errors.ts'

/** Names the layers of a network with their sizes: two networks with the same number can exchange parameters. */
export function layoutChecksum({ layers }: NormLayout): number {
  return crc32(
    new TextEncoder().encode(
      JSON.stringify(layers.map(({ name, channels, epsilon }) => [name, channels, epsilon])),
    ),
  )
}

export const bitmapBytes = (layers: number): number => Math.ceil(layers / 8)

/** A set of layers as one bit a layer: it has one form, so that no layer comes twice. */
export function layersToBitmap(chosen: readonly number[], layers: number): Uint8Array {
  const bitmap = new Uint8Array(bitmapBytes(layers))
  for (const layer of chosen) bitmap[layer >> 3]! |= 1 << (layer & 7)
  return bitmap
}

/** Numbers of the layers in rising order. Throws PATCH_MALFORMED for none, and for bits beyond the last layer. */
export function layersOfBitmap(bitmap: Uint8Array, layers: number): number[] {
  const chosen: number[] = []
  for (let layer = 0; layer < 8 * bitmap.length; layer++) {
    if (((bitmap[layer >> 3]! >> (layer & 7)) & 1) === 0) continue
    if (layer >= layers) throw patchError('PATCH_MALFORMED', `There is no layer ${layer}`)
    chosen.push(layer)
  }
  if (chosen.length === 0) throw patchError('PATCH_MALFORMED', 'The patch names no layer')
  return chosen
}

/** The layers that are asked for, in rising order, once each; all by default. Throws PATCH_BAD_OPTION. */
export function chosenLayers({ layers }: NormLayout, chosen: readonly number[] | undefined): number[] {
  if (chosen === undefined) return layers.map((_, layer) => layer)
  const bad = chosen.find((layer) => !(Number.isInteger(layer) && layer >= 0 && layer < layers.length))
  if (bad !== undefined || chosen.length === 0)
    throw patchError('PATCH_BAD_OPTION', `layers: ${bad ?? 'none'} of ${layers.length}`)
  return [...new Set(chosen)].toSorted((a, b) => a - b)
}
