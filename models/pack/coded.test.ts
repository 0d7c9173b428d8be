import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dequantize, quantize } from '../codec/codec.ts'
import { seededRandom } from '../data/random.ts'
import { coded, LatentSample } from './coded.ts'
import { MAX_PAYLOAD_BYTES } from './message-size.ts'

const plain = { kind: 'affine-static', bits: 4, scale: 0.1, zeroPoint: 0 } as const
const dims = [4, 8, 8]
const size = 256
const random = seededRandom(5)
/** As after a ReLU: mostly zeros, and each channel on its own scale. */
const latent = () =>
  Float32Array.from({ length: size }, (_, at) =>
    Math.max(0, 0.1 * (1 + Math.floor(at / 64)) * random.normal()),
  )

const tablesOf = (quantizer: ReturnType<typeof coded>) =>
  quantizer.kind === 'entropy' ? quantizer.tables.length : 0

function sampleOf(frames: number): LatentSample {
  const sample = new LatentSample()
  for (let frame = 0; frame < frames; frame++) sample.add(latent())
  return sample
}

describe('codes without training', () => {
  it('give back what the plain quantiser gives, in fewer bytes', () => {
    const quantizer = coded(plain, sampleOf(50), dims)
    expect(tablesOf(quantizer)).toBe(4)
    let bytes = 0
    for (let frame = 0; frame < 20; frame++) {
      const x = latent()
      const { packed } = quantize(x, quantizer)
      bytes += packed.length / 20
      const through = dequantize(quantize(x, plain).packed, size, plain)
      expect(dequantize(packed, size, quantizer)).toEqual(through)
    }
    expect(bytes).toBeLessThan(0.6 * quantize(latent(), plain).packed.length)
  })

  it('have tables for each channel only where enough was seen of each', () => {
    expect(tablesOf(coded(plain, sampleOf(3), dims))).toBe(1)
    expect(tablesOf(coded(plain, sampleOf(4), dims))).toBe(4)
    expect(tablesOf(coded(plain, sampleOf(50), [size]))).toBe(1)
    const eight = { ...plain, bits: 8, scale: 0.01 }
    expect(tablesOf(coded(eight, sampleOf(64), [256, 1, 1]))).toBe(1)
  })

  it.each([1024, 4096])('of %i channels have no more tables than a manifest may hold', (channels) => {
    const sample = new LatentSample()
    for (let frame = 0; frame < 64; frame++) {
      sample.add(Float32Array.from({ length: channels }, () => random.normal()))
    }
    const modes = [8, 7, 6, 5, 4, 3, 2, 1].map((bits) => coded({ ...plain, bits }, sample, [channels, 1, 1]))
    const tables = modes.reduce((sum, mode) => sum + tablesOf(mode), 0)
    expect(tables).toBeLessThanOrEqual(8192)
  })

  it('bear frames that look like none of the sample', () => {
    const quantizer = coded(plain, sampleOf(8), dims)
    fc.assert(
      fc.property(
        fc.float32Array({
          minLength: size,
          maxLength: size,
          noNaN: true,
          noDefaultInfinity: true,
          max: 2 ** 40,
        }),
        (x) => {
          const { packed } = quantize(x, quantizer)
          expect(packed.length).toBeLessThanOrEqual(size / 2 + 1)
          const through = dequantize(quantize(x, plain).packed, size, plain)
          expect(dequantize(packed, size, quantizer)).toEqual(through)
        },
      ),
      { numRuns: 30 },
    )
  })

  it('never take more than a message carries', () => {
    const values = MAX_PAYLOAD_BYTES
    const sample = new LatentSample()
    sample.add(new Float32Array(values))
    const quantizer = coded({ ...plain, bits: 8 }, sample, [values])
    const noise = Float32Array.from({ length: values }, () => 0.1 * random.below(256))
    expect(quantize(noise, quantizer).packed.length).toBe(MAX_PAYLOAD_BYTES)
  })

  it('are left out where they save nothing', () => {
    const noise = () => Float32Array.from({ length: size }, () => 0.1 * random.below(16))
    const sample = new LatentSample()
    for (let frame = 0; frame < 20; frame++) sample.add(noise())
    expect(coded(plain, sample, dims)).toBe(plain)
  })
})

describe('a sample of latents', () => {
  it('is no larger than memory bears, and evenly spread', () => {
    const sample = new LatentSample()
    for (let frame = 0; frame < 9; frame++) sample.add(new Float32Array(2 ** 22).fill(frame))
    const values = sample.values()
    expect(values.length).toBeLessThanOrEqual(2 ** 24)
    const kept = Array.from({ length: sample.count }, (_, at) => values[at * 2 ** 22])
    expect(kept).toEqual([0, 4, 8])
  })

  it('has one at least, however large', () => {
    const sample = new LatentSample()
    sample.add(new Float32Array(2 ** 24 + 1))
    expect(sample.count).toBe(1)
  })
})
