import { fileURLToPath } from 'node:url'
import { type Bundle, loadBundle } from '@isthmus/models/bundle'
import { type EntropyQuantizer, entropyQuantizer, quantize } from '@isthmus/models/codec'
import { type RgbImage, seededRandom } from '@isthmus/models/data'
import { beforeAll, describe, expect, it } from 'vitest'
import { classifyBy } from './classify.ts'
import { encoderBytes, headCosts } from './encoder-cost.ts'
import { splitModes } from './split-modes.ts'
import { informationBits, splitRuns } from './split-runs.ts'

const folder = fileURLToPath(new URL('../../../../models/bundles/cifar10', import.meta.url))

/** Smooth coloured patches: as much like photographs as no data set is needed for. */
function patches(count: number): RgbImage[] {
  const random = seededRandom(3)
  return Array.from({ length: count }, () => {
    const [a, b, c] = [random.uniform(), random.uniform(), random.uniform()]
    const pixels = Uint8Array.from({ length: 3 * 32 * 32 }, (_, at) => {
      const [x, y] = [(Math.floor(at / 3) % 32) / 32, Math.floor(at / 96) / 32]
      return 127 + 120 * Math.sin(6 * (a * x + b * y) + c * (at % 3))
    })
    return { pixels, width: 32, height: 32 }
  })
}

describe('the bundle that ships, in every split mode', () => {
  const pictures = patches(40)
  let bundle: Bundle
  beforeAll(async () => {
    bundle = await loadBundle(folder)
  })

  it('says what the teacher says far more often than by chance, in hardly more bytes than there is information', async () => {
    const modes = splitModes(bundle)
    const teacher = await classifyBy(bundle.manifest, bundle.modelBytes('full'), pictures, 1)
    const runs = await splitRuns(bundle, modes, pictures, 1)
    expect(runs.map(({ mode }) => mode)).toEqual(modes)
    const finest = runs.reduce((a, b) => (b.mode.payloadBytes > a.mode.payloadBytes ? b : a))
    const agreed = finest.classes.filter((found, at) => found === teacher[at]).length
    expect(agreed).toBeGreaterThan(pictures.length / 4)
    for (const { mode, bytes, entropyBits } of runs) {
      expect(Math.min(...bytes), mode.name).toBeGreaterThan(0)
      entropyBits.forEach((bits, at) => {
        if (!Number.isNaN(bits))
          expect(bytes[at]! - bits / 8, mode.name).toBeLessThanOrEqual(0.01 * (bits / 8) + 64)
      })
    }
  })

  it('has heads whose size is counted as it is stored', () => {
    const costs = headCosts(bundle)
    const files = [...costs.keys()].reduce((sum, role) => sum + bundle.modelBytes(role).length, 0)
    expect(encoderBytes(costs)).toBeLessThan(files)
    expect(encoderBytes(costs)).toBeGreaterThan(0.7 * files)
    for (const [role, { macs }] of costs) expect(macs).toBe(bundle.manifest.models[role]!.macs)
  })
})

describe('the information of symbols', () => {
  it.each([
    undefined,
    { rowLength: 8, reach: 3, weights: [[0, 90, 0, 90], [0, 90, 0, 90], new Array<number>(22).fill(30)] },
  ])('is what the coder comes near to, with neighbours %j', (neighbours) => {
    const random = seededRandom(9)
    const [channels, perChannel, frames] = [3, 64, 200]
    let last = 0
    const latents = Float32Array.from({ length: frames * channels * perChannel }, () => {
      last = 0.8 * last + random.normal()
      return last
    })
    const plain = { kind: 'affine-static', bits: 8, scale: 1, zeroPoint: 128 } as const
    const quantizer: EntropyQuantizer = entropyQuantizer(plain, latents, channels, perChannel, {
      neighbours,
    })
    let coded = 0
    let information = 0
    for (let at = 0; at < latents.length; at += channels * perChannel) {
      const frame = latents.subarray(at, at + channels * perChannel)
      coded += quantize(frame, quantizer).packed.length
      const symbols = Int32Array.from(frame, (value) => {
        const down = Math.floor(value)
        const rest = value - down
        return 128 + down + (rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? 1 : 0)
      })
      information += informationBits(quantizer, symbols, perChannel) / 8
    }
    // A byte that says how, and a state of four of which two are information.
    expect((coded - information) / frames).toBeGreaterThan(0)
    expect((coded - information) / frames).toBeLessThan(6)
  })
})
