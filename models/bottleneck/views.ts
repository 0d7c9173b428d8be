import sharp from 'sharp'
import { decodeImage, type Fit, type Random, type RgbImage, seededRandom } from '../data/index.ts'

/** The smallest part of a photo's short side that a view shows. */
const LEAST_ZOOM = 0.6

/**
 * A photo as it is trained on, `side` × `side`: view 0 is how it is answered (fitted, upright), the others show a random square of it, half of
 * them mirrored. The same photo, view and seed give the same pixels.
 */
export async function viewOf(
  path: string,
  view: number,
  { side, fit, seed, photo }: { side: number; fit: Fit; seed: number; photo: number },
): Promise<RgbImage> {
  if (view === 0) return decodeImage(path, { width: side, height: side, fit })
  const whole = await decodeImage(path)
  const random = seededRandom(seed, photo, view)
  const { width, height, pixels } = whole
  const square = Math.max(
    1,
    Math.round(Math.min(width, height) * (LEAST_ZOOM + (1 - LEAST_ZOOM) * random.uniform())),
  )
  let image = sharp(pixels, { raw: { width, height, channels: 3 } })
    .extract({
      left: below(random, width - square),
      top: below(random, height - square),
      width: square,
      height: square,
    })
    .resize(side, side, { fit: 'fill' })
  if (random.uniform() < 0.5) image = image.flop()
  const data = await image.raw().toBuffer()
  return { pixels: new Uint8Array(data.buffer, data.byteOffset, data.length), width: side, height: side }
}

const below = (random: Random, most: number): number => random.below(most + 1)
