import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type NormParameters, normKinds } from '../adapt/index.ts'
import { applyPatch, decodePatch, type EncodeOptions, encodePatch, patchDtypes } from './index.ts'
import { anyLayout, decodeOptions, encodeOptions, layoutOf, moved, someParameters } from './patch.test.kit.ts'

function received(options: EncodeOptions, bytes: Uint8Array): NormParameters {
  const patch = decodePatch(bytes, decodeOptions(options.layout))
  return applyPatch(patch, { base: options.reference, current: someParameters(options.layout, 5) })
}

/** How far parameters are from others, as a layer feels it: in standard deviations of those held and in powers of e. */
function farthest(a: NormParameters, b: NormParameters, held: NormParameters): number {
  let most = 0
  for (let at = 0; at < a.scale.length; at++)
    most = Math.max(
      most,
      Math.abs(a.scale[at]! - b.scale[at]!),
      Math.abs(a.shift[at]! - b.shift[at]!),
      Math.abs(a.mean[at]! - b.mean[at]!) / Math.sqrt(held.variance[at]!),
      Math.abs(Math.log(a.variance[at]! / b.variance[at]!)),
    )
  return most
}

describe('a patch', () => {
  it('gives the receiver what the sender knows it has, to the last bit, for any layers', () => {
    const anyCase = fc.record({
      layout: anyLayout,
      dtype: fc.constantFrom(...patchDtypes),
      seed: fc.nat(1000),
      far: fc.constantFrom(0, 1e-6, 0.1, 3),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    fc.assert(
      fc.property(anyCase, ({ layout, dtype, seed, far, part }) => {
        const layers = layout.layers.map((_, at) => at).slice(Math.floor(part * layout.layers.length) % 9)
        fc.pre(layers.length > 0)
        const reference = someParameters(layout, seed)
        const target = moved(reference, seed + 1, far)
        const options = encodeOptions(layout, { dtype, reference, target, layers })
        const { bytes, result } = encodePatch(options)
        expect(received(options, bytes)).toEqual(result)
        const begin = layout.layers[layers[0]!]!.offset
        for (const kind of normKinds) {
          expect(result[kind].subarray(0, begin)).toEqual(reference[kind].subarray(0, begin))
          if (dtype === 'float32') expect(result[kind].subarray(begin)).toEqual(target[kind].subarray(begin))
        }
        expect(result.variance.every((value) => value > 0)).toBe(true)
      }),
      { numRuns: 100 },
    )
  })

  it('of int8 is wrong by half a step at most, whatever the size of a variance', () => {
    const layout = layoutOf([32, 32])
    const reference = someParameters(layout, 3)
    const target = moved(reference, 4, 0.5)
    const { result } = encodePatch(encodeOptions(layout, { dtype: 'int8', reference, target }))
    const span = 2 * farthest(target, reference, reference)
    expect(farthest(result, target, reference)).toBeLessThan((1.01 * span) / 254 / 2)
    const half = encodePatch(encodeOptions(layout, { dtype: 'float16', reference, target })).result
    expect(farthest(half, target, reference)).toBeLessThan(span / 2048)
  })

  it('leaves what did not change as it was', () => {
    const layout = layoutOf([32, 32])
    const reference = someParameters(layout, 3)
    const target = moved(reference, 4)
    for (const kind of normKinds) target[kind].set(reference[kind].subarray(0, 20))
    for (const dtype of patchDtypes) {
      const { result } = encodePatch(encodeOptions(layout, { dtype, reference, target }))
      for (const kind of normKinds)
        expect(result[kind].subarray(0, 20)).toEqual(reference[kind].subarray(0, 20))
    }
  })

  /** Channels of the normalisations of published networks, and the kB of four float32 for each. */
  const published = [
    {
      name: 'ResNet-18',
      channels: [...Array(5).fill(64), ...Array(5).fill(128), ...Array(5).fill(256), ...Array(5).fill(512)],
      kB: 76.8,
    },
    {
      name: 'WRN-40-2',
      channels: Array(37)
        .fill(0)
        .map((_, at) => (at === 0 ? 16 : at < 13 ? 32 : at < 25 ? 64 : 128)),
      kB: 43.3,
    },
    {
      name: 'WRN-16-1',
      channels: Array(13)
        .fill(0)
        .map((_, at) => (at < 5 ? 16 : at < 9 ? 32 : 64)),
      kB: 7.4,
    },
  ]
  it.each(published)(
    'of $name has the bytes that its channels make, and 30 % of them as int8',
    ({ channels, kB }) => {
      const layout = layoutOf(channels)
      const whole = encodePatch(encodeOptions(layout)).bytes.length
      const arithmetic = 16 * layout.channels
      expect(whole / arithmetic).toBeGreaterThan(0.95)
      expect(whole / arithmetic).toBeLessThan(1.05)
      expect(encodePatch(encodeOptions(layout, { dtype: 'int8' })).bytes.length / whole).toBeLessThan(0.3)
      expect(Math.abs(whole / 1000 / kB - 1)).toBeLessThan(0.05)
    },
  )
})
