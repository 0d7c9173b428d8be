import type { LabelledImages } from '../labelled-images.ts'
import { seededRandom } from '../random.ts'

/** Images for tests that look roughly like photographs: few smooth waves of colour, a few edges, a little grain. */
export function naturalImages(count: number, height: number, width: number, seed = 1): LabelledImages {
  const area = height * width
  const pixels = new Uint8Array(count * 3 * area)
  for (let image = 0; image < count; image++) {
    const random = seededRandom(seed, image)
    const waves = Array.from({ length: 8 }, () => ({
      fx: (6 * (random.uniform() - 0.5)) / width,
      fy: (6 * (random.uniform() - 0.5)) / height,
      phase: random.uniform(),
      colour: [random.normal(), random.normal(), random.normal()],
    }))
    const boxes = Array.from({ length: 4 }, () => ({
      top: random.below(height),
      left: random.below(width),
      colour: [random.normal(), random.normal(), random.normal()],
    }))
    for (let channel = 0; channel < 3; channel++) {
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          let level = 120 + 3 * random.normal()
          for (const { fx, fy, phase, colour } of waves) {
            level += 16 * colour[channel]! * Math.sin(2 * Math.PI * (fx * x + fy * y + phase))
          }
          for (const { top, left, colour } of boxes) {
            if (y >= top && x >= left && y < top + height / 3 && x < left + width / 3)
              level += 30 * colour[channel]!
          }
          pixels[(image * 3 + channel) * area + y * width + x] = Math.min(255, Math.max(0, level))
        }
      }
    }
  }
  const labels = Uint8Array.from({ length: count }, (_, image) => image % 10)
  return { count, channels: 3, height, width, pixels, labels }
}

/** Mean squared difference of pixel values. */
export function meanSquare(a: Uint8Array, b: Uint8Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2
  return sum / a.length
}
