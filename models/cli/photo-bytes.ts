import sharp from 'sharp'
import { decodeImage } from '../data/image-files.ts'
import type { ModelReport } from '../onnx/inspect.ts'

/** Bytes of one input frame when it is sent as a photo. */
export interface PhotoBytes {
  readonly width: number
  readonly height: number
  /** Width × height × 3. */
  readonly rgb: number
  readonly jpeg75: number
  readonly jpeg95: number
  /** The photos that were encoded; none when the sizes are estimated. */
  readonly photos: readonly string[]
}

/**
 * Bits per pixel of JPEG at qualities 75 and 95 by side of the square, for want of the user's own photos. Mean over
 * 100 photographs of ImageNet (one each of 100 classes), centre-cropped and scaled down, encoded by sharp 0.35
 * (libvips, mozjpeg off, chroma at half resolution). Small photos have more detail per pixel.
 */
const bitsPerPixel: readonly (readonly [side: number, q75: number, q95: number])[] = [
  [32, 4.758, 7.729],
  [64, 2.701, 5.312],
  [96, 2.203, 4.645],
  [128, 1.984, 4.309],
  [160, 1.848, 4.091],
  [224, 1.682, 3.799],
  [256, 1.625, 3.68],
  [299, 1.589, 3.608],
]

/** Between the measured sides linear in the logarithm of the side; beyond them the nearest. */
function estimateMeasured(width: number, height: number, quality: 1 | 2): number {
  const side = Math.sqrt(width * height)
  const after = bitsPerPixel.findIndex(([measured]) => measured >= side)
  const high = bitsPerPixel.at(after)!
  const low = after > 0 ? bitsPerPixel[after - 1]! : high
  const weight = low === high ? 0 : Math.log(side / low[0]) / Math.log(high[0] / low[0])
  return Math.round(((low[quality] + weight * (high[quality] - low[quality])) * width * height) / 8)
}

/** By how much JPEG scales its quantisation tables at a quality (Independent JPEG Group's formula). */
const tableScale = (quality: number): number =>
  quality < 50 ? 5000 / quality : Math.max(1, 200 - 2 * quality)

/**
 * Bytes of a photo as JPEG, for want of the photo: from the two qualities measured, by the logarithm of the scale of
 * the quantisation tables. Between them within 4 % of what was measured on 100 photographs.
 */
export function estimateJpeg(width: number, height: number, quality: number): number {
  const [low, high] = [estimateMeasured(width, height, 1), estimateMeasured(width, height, 2)]
  const weight = Math.log(tableScale(quality) / tableScale(75)) / Math.log(tableScale(95) / tableScale(75))
  return Math.round(low * (high / low) ** weight)
}

/** Width and height of a model's one image input, or undefined when it has none. */
export function imageSize(report: ModelReport): { width: number; height: number } | undefined {
  const [input, second] = report.inputs
  if (!input || second || input.dims.length !== 4) return undefined
  const [, a, b, c] = input.dims as [number, number, number, number]
  if (c === 3 || (c === 1 && a !== 3)) return { width: b, height: a }
  return a === 3 || a === 1 ? { width: c, height: b } : undefined
}

/** What the photo itself would cost: measured on `photos`, brought to the model's input size, or estimated. */
export async function photoBytes(
  { width, height }: { readonly width: number; readonly height: number },
  photos: readonly string[],
): Promise<PhotoBytes> {
  const rgb = width * height * 3
  if (photos.length === 0) {
    const [jpeg75, jpeg95] = [estimateMeasured(width, height, 1), estimateMeasured(width, height, 2)]
    return { width, height, rgb, jpeg75, jpeg95, photos }
  }
  let jpeg75 = 0
  let jpeg95 = 0
  for (const photo of photos) {
    const { pixels } = await decodeImage(photo, { width, height })
    const encode = (quality: number) =>
      sharp(pixels, { raw: { width, height, channels: 3 } })
        .jpeg({ quality })
        .toBuffer()
    jpeg75 += (await encode(75)).length / photos.length
    jpeg95 += (await encode(95)).length / photos.length
  }
  return { width, height, rgb, jpeg75: Math.round(jpeg75), jpeg95: Math.round(jpeg95), photos }
}
