import type { NormLayout, NormParameters } from '@isthmus/models/adapt'

/** Networks that share a base network, and so their patches. */
export interface Family {
  /** First four bytes of the SHA-256 of the base network's ONNX file, little-endian: how samples and patches name it. */
  readonly key: number
  /** `name@version` of the bundle that it comes from. */
  readonly id: string
  /** Channels, height and width of an image. */
  readonly imageDims: readonly [number, number, number]
  readonly classes: number
  /** The base network's normalisation layers and what they hold: what devices tell of their frames is a difference to it. */
  readonly layout: NormLayout
  readonly base: NormParameters
}

export const pixelsOf = ({ imageDims: [channels, height, width] }: Pick<Family, 'imageDims'>): number =>
  channels * height * width

/** Interleaved pixels [height, width, channels] as planes [channels, height, width], in a buffer of their own. */
export function toPlanes(
  interleaved: Uint8Array,
  [channels, height, width]: Family['imageDims'],
): Uint8Array<ArrayBuffer> {
  const area = height * width
  const planes = new Uint8Array(channels * area)
  for (let channel = 0, at = 0; channel < channels; channel++)
    for (let pixel = channel; pixel < interleaved.length; pixel += channels)
      planes[at++] = interleaved[pixel]!
  return planes
}
