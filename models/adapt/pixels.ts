import type { Tensor } from '../runtime/index.ts'
import { type AdaptableNetwork, imageTensor } from './adaptable-network.ts'
import { adaptError } from './errors.ts'

/** Turns planar 8-bit pixels [C, H, W] into inputs: (pixel / 255 − mean) / std, by channel. */
export function pixelReader(
  dims: readonly [number, number, number],
  mean: readonly number[],
  std: readonly number[],
) {
  const [channels, height, width] = dims
  const area = height * width
  const length = channels * area
  if (mean.length !== channels || std.length !== channels || std.some((value) => !(value > 0)))
    throw adaptError('NORM_MISMATCH', `mean [${mean}] and std [${std}] do not fit ${channels} channels`)
  const tables = mean.map((offset, channel) =>
    Float32Array.from({ length: 256 }, (_, pixel) => (pixel / 255 - offset) / std[channel]!),
  )
  const check = (pixels: Uint8Array) => {
    if (pixels.length !== length)
      throw adaptError('NORM_MISMATCH', `An image has ${pixels.length} bytes, the network takes ${length}`)
  }
  return {
    check,
    batch(images: readonly Uint8Array[], network: Pick<AdaptableNetwork, 'imageDims'>): Tensor<'float32'> {
      const data = new Float32Array(images.length * length)
      images.forEach((pixels, row) => {
        check(pixels)
        for (let channel = 0; channel < channels; channel++) {
          const table = tables[channel]!
          for (let at = channel * area; at < (channel + 1) * area; at++)
            data[row * length + at] = table[pixels[at]!]!
        }
      })
      return imageTensor(data, images.length, network)
    },
  }
}
