import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../data/random.ts'
import { fitNeighbours } from './fit-neighbours.ts'
import {
  dequantize,
  type EntropyQuantizer,
  entropyQuantizer,
  frequencyTable,
  payloadLimits,
  type Quantizer,
  quantize,
} from './index.ts'

const throwsCode = (run: () => unknown, code: string) =>
  expect(run).toThrow(expect.objectContaining({ name: 'IsthmusError', code }))

/** A quantiser of [−4, 4] whose tables expect normal values of this spread, `channels` of them. */
function normalQuantizer(bits: number, channels: number, spread: number): EntropyQuantizer {
  const top = 2 ** bits - 1
  const scale = Math.fround(8 / top)
  const zeroPoint = Math.round(top / 2)
  const weights = Array.from({ length: top + 1 }, (_, code) => {
    const value = (code - zeroPoint) * scale
    return Math.exp(-(value ** 2) / (2 * spread ** 2))
  })
  const table = frequencyTable(0, weights, 1e-6)
  return { kind: 'entropy', bits, scale, zeroPoint, tables: Array.from({ length: channels }, () => table) }
}

const withoutTables = ({ bits, scale, zeroPoint }: EntropyQuantizer): Quantizer => ({
  kind: 'affine-static',
  bits,
  scale,
  zeroPoint,
})

const normal = (count: number, seed: number, spread = 1): Float32Array => {
  const random = seededRandom(seed)
  return Float32Array.from({ length: count }, () => spread * random.normal())
}

describe('the entropy quantiser', () => {
  it('gives the very values of the static quantiser, whatever the tensor', () => {
    const samples = fc.record({
      bits: fc.integer({ min: 1, max: 8 }),
      channels: fc.integer({ min: 1, max: 5 }),
      perChannel: fc.integer({ min: 1, max: 60 }),
      spread: fc.constantFrom(0.05, 0.5, 1, 8),
      seed: fc.nat(),
    })
    fc.assert(
      fc.property(samples, ({ bits, channels, perChannel, spread, seed }) => {
        const count = channels * perChannel
        const quantizer = normalQuantizer(bits, channels, 0.5)
        const x = normal(count, seed, spread)
        const { packed } = quantize(x, quantizer)
        const plain = quantize(x, withoutTables(quantizer))
        expect(dequantize(packed, count, quantizer)).toEqual(
          dequantize(plain.packed, count, withoutTables(quantizer)),
        )
        const { least, most } = payloadLimits(quantizer, count)
        expect(packed.length).toBeGreaterThanOrEqual(least)
        expect(packed.length).toBeLessThanOrEqual(most)
      }),
    )
  })

  it('sends what a frame holds, and never more than its packed codes and a byte', () => {
    const quantizer = normalQuantizer(8, 10, 0.5)
    expect(quantize(normal(490, 1, 0.5), quantizer).packed.length).toBeLessThan(0.8 * 490)
    expect(quantize(normal(490, 1, 100), quantizer).packed.length).toBe(491)
  })

  it('rounds each channel by its own gain, and rebuilds it by the inverse gain', () => {
    const plain = { kind: 'affine-static', bits: 8, scale: 1, zeroPoint: 128 } as const
    const factors = { gains: [10, 1, 0.5], inverseGains: [0.1, 0.9, 2] }
    const latents = normal(3 * 40 * 50, 4, 3)
    const quantizer = entropyQuantizer(plain, latents, 3, 40, factors)
    const x = latents.subarray(0, 120)
    const { packed } = quantize(x, quantizer)
    const values = dequantize(packed, 120, quantizer)
    x.forEach((value, at) => {
      const channel = Math.floor(at / 40)
      const code = Math.round(Math.min(127, Math.max(-128, value * factors.gains[channel]!)))
      const wanted = code * factors.inverseGains[channel]!
      // A value between two codes may fall to either: gain and step are rounded to float32 differently.
      expect(Math.abs(values[at]! - wanted)).toBeLessThan(factors.inverseGains[channel]! * 1.001)
    })
    const { gains: _, inverseGains: __, ...single } = quantizer
    const coarse = entropyQuantizer(plain, latents, 3, 40, { gains: [0.1, 0.1, 0.1] })
    expect(quantize(x, coarse).packed.length).toBeLessThan(quantize(x, single).packed.length)
  })

  it('chooses tables by the codes beside, and so takes fewer bytes where these are alike', () => {
    const [channels, rows, rowLength] = [3, 8, 7]
    const perChannel = rows * rowLength
    const smooth = (frames: number, seed: number) => {
      const random = seededRandom(seed)
      const field = new Float32Array(frames * channels * perChannel)
      for (let at = 0; at < field.length; at++) {
        const place = at % perChannel
        const left = place % rowLength === 0 ? 0 : field[at - 1]!
        const above = place < rowLength ? 0 : field[at - rowLength]!
        field[at] = 0.48 * left + 0.48 * above + 0.4 * random.normal()
      }
      return field
    }
    const plain = { kind: 'affine-static', bits: 6, scale: 0.5, zeroPoint: 30 } as const
    const seen = smooth(2000, 1)
    const alone = entropyQuantizer(plain, seen, channels, perChannel)
    const neighbours = fitNeighbours(plain, seen, channels, perChannel, { rowLength, reach: 4 })
    const beside = entropyQuantizer(plain, seen, channels, perChannel, { neighbours })
    expect(beside.tables).toHaveLength(9 * channels)
    let [bytesAlone, bytesBeside] = [0, 0]
    const fresh = smooth(100, 2)
    for (let frame = 0; frame < 100; frame++) {
      const x = fresh.subarray(frame * channels * perChannel, (frame + 1) * channels * perChannel)
      const [one, other] = [quantize(x, alone).packed, quantize(x, beside).packed]
      bytesAlone += one.length
      bytesBeside += other.length
      expect(dequantize(other, x.length, beside)).toEqual(dequantize(one, x.length, alone))
    }
    expect(bytesBeside).toBeLessThan(0.9 * bytesAlone)
    const { weights } = neighbours
    for (const wrong of [
      { rowLength: 9 },
      { rowLength: 0 },
      { reach: 3 },
      { weights: weights.slice(1) },
      { weights: weights.with(0, weights[1]!) },
      { weights: weights.with(1, weights[1]!.slice(1)) },
      { weights: weights.with(1, weights[1]!.with(3, 0.5)) },
      { weights: weights.with(1, weights[1]!.with(3, 40_000)) },
    ]) {
      const changed = { ...beside, neighbours: { ...neighbours, ...wrong } }
      throwsCode(() => quantize(smooth(1, 3), changed), 'BAD_QUANTIZER')
    }
  })

  it('takes what channels say of each other into account', () => {
    const random = seededRandom(5)
    const [channels, rowLength] = [3, 7]
    const perChannel = rowLength * rowLength
    const frame = channels * perChannel
    const latents = new Float32Array(1000 * frame)
    for (let at = 0; at < latents.length; at++) {
      const before = at % frame < perChannel ? 0 : latents[at - perChannel]!
      latents[at] = 0.9 * before + random.normal()
    }
    const plain = { kind: 'affine-static', bits: 8, scale: 0.5, zeroPoint: 128 } as const
    const shape = { rowLength, reach: 4 }
    const bytes = [0, channels].map((back) => {
      const neighbours = fitNeighbours(plain, latents, channels, perChannel, { ...shape, back })
      const quantizer = entropyQuantizer(plain, latents, channels, perChannel, { neighbours })
      let sum = 0
      for (let begin = 0; begin < 100 * frame; begin += frame) {
        const x = latents.subarray(begin, begin + frame)
        const { packed } = quantize(x, quantizer)
        const values = dequantize(packed, frame, quantizer)
        expect(values.every((value, at) => Math.abs(value - x[at]!) < 0.251)).toBe(true)
        sum += packed.length
      }
      return sum
    })
    expect(bytes[1]).toBeLessThan(0.93 * bytes[0]!)
  })

  it('ends a payload at mostBytes, and rebuilds what its beginning holds', () => {
    const full = normalQuantizer(6, 10, 0.5)
    const x = normal(490, 8, 0.5)
    const whole = dequantize(quantize(x, full).packed, 490, full)
    const length = quantize(x, full).packed.length
    let held = 0
    for (let mostBytes = 5; mostBytes < length; mostBytes += 7) {
      const cut = { ...full, mostBytes }
      const { packed } = quantize(x, cut)
      expect(packed.length).toBe(mostBytes)
      const values = dequantize(packed, 490, cut)
      const missing = values.findIndex((value, at) => value !== whole[at])
      const count = missing < 0 ? 490 : missing
      expect(values.subarray(count).every((value) => value === 0)).toBe(true)
      expect(count).toBeGreaterThanOrEqual(held)
      held = count
    }
    expect(held).toBeGreaterThan(400)
    const enough = { ...full, mostBytes: 2 * length }
    expect(dequantize(quantize(x, enough).packed, 490, enough)).toEqual(whole)
    // Noise, which would not fit otherwise.
    expect(quantize(normal(490, 9, 100), { ...full, mostBytes: 120 }).packed.length).toBe(120)
    expect(payloadLimits({ ...full, mostBytes: 120 }, 490)).toEqual({ least: 5, most: 120 })
  })

  it('asks for room for every state of the coder, and reads every cut payload of its own', () => {
    const large = normalQuantizer(4, 4, 0.5)
    const x = normal(4 * 1024, 5, 0.5)
    throwsCode(() => quantize(x, { ...large, mostBytes: 16 }), 'BAD_QUANTIZER')
    const cut = { ...large, mostBytes: 17 }
    expect(payloadLimits(cut, x.length)).toEqual({ least: 17, most: 17 })
    expect(dequantize(quantize(x, cut).packed, x.length, cut)).toHaveLength(x.length)
    const known = { ...normalQuantizer(4, 2, 0.5) }
    quantize(normal(20, 1), known)
    known.mostBytes = -3
    throwsCode(() => quantize(normal(20, 1), known), 'BAD_QUANTIZER')
  })

  it('refuses gains and limits that make no sense', () => {
    const quantizer = normalQuantizer(4, 2, 0.5)
    const x = normal(20, 1)
    const bad: Partial<EntropyQuantizer>[] = [
      { gains: [1] },
      { gains: [1, 0] },
      { gains: [1, Number.NaN] },
      { gains: [1, 1e300] },
      { inverseGains: [1, 1] },
      { gains: [1, 1], inverseGains: [1, -1] },
      { gains: [1e30, 1e30], scale: 1e-20 },
      { gains: [1, 1], inverseGains: [1e38, 1e38], scale: 1e10 },
      { mostBytes: 4 },
      { mostBytes: 7.5 },
    ]
    for (const change of bad) throwsCode(() => quantize(x, { ...quantizer, ...change }), 'BAD_QUANTIZER')
  })

  it('follows a quantiser that is changed between two frames', () => {
    const quantizer = normalQuantizer(8, 1, 0.5)
    const x = normal(50, 3, 0.5)
    quantize(x, quantizer)
    quantizer.scale = Math.fround(2 * quantizer.scale)
    const { packed, scale } = quantize(x, quantizer)
    expect(scale).toBe(quantizer.scale)
    expect(dequantize(packed, 50, { ...quantizer })).toEqual(dequantize(packed, 50, quantizer))
  })

  it('gives no infinity', () => {
    const huge: EntropyQuantizer = { ...normalQuantizer(8, 1, 0.5), scale: 3e38, zeroPoint: 0 }
    throwsCode(() => dequantize(Uint8Array.of(0, 9, 1), 2, huge), 'NOT_FINITE')
  })

  it('writes into the memory that it is given', () => {
    const quantizer = normalQuantizer(4, 2, 0.5)
    const x = normal(60, 2, 0.5)
    const out = new Uint8Array(100).fill(0xee)
    const { packed } = quantize(x, quantizer, out)
    expect(packed.buffer).toBe(out.buffer)
    expect(packed).toEqual(quantize(x, quantizer).packed)
    expect(out[packed.length]).toBe(0xee)
    // Also where this frame would fit.
    const { most } = payloadLimits(quantizer, 60)
    throwsCode(() => quantize(new Float32Array(60), quantizer, new Uint8Array(most - 1)), 'BAD_OPTION')
  })

  it('refuses payloads that it did not write, and says nothing else', () => {
    const quantizer = normalQuantizer(4, 2, 0.5)
    const count = 40
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), (bytes) => {
        try {
          const values = dequantize(bytes, count, quantizer)
          expect(values.every(Number.isFinite)).toBe(true)
        } catch (error) {
          expect(error).toMatchObject({ code: 'BAD_PAYLOAD' })
        }
      }),
    )
    throwsCode(() => dequantize(Uint8Array.of(2, 0, 0), count, quantizer), 'BAD_PAYLOAD')
    throwsCode(() => dequantize(new Uint8Array(0), count, quantizer), 'BAD_PAYLOAD')
    for (const none of [-1, 1.5, 2 ** 53, Number.POSITIVE_INFINITY]) {
      throwsCode(() => dequantize(new Uint8Array(8), none, quantizer), 'BAD_PAYLOAD')
    }
    // Tables may hold symbols that are no codes of so many bits.
    const { scale, tables } = normalQuantizer(8, 1, 0.5)
    const packed = quantize(new Float32Array(200), {
      kind: 'entropy',
      bits: 8,
      scale,
      zeroPoint: 200,
      tables,
    }).packed
    const narrow: EntropyQuantizer = { kind: 'entropy', bits: 4, scale, zeroPoint: 8, tables }
    throwsCode(() => dequantize(packed, 200, narrow), 'BAD_PAYLOAD')
  })

  it('refuses tables that are none, that do not fit the tensor, and other bits', () => {
    const quantizer = normalQuantizer(4, 3, 0.5)
    throwsCode(() => quantize(new Float32Array(10), quantizer), 'BAD_QUANTIZER')
    throwsCode(() => quantize(new Float32Array(3), { ...quantizer, tables: [] }), 'BAD_QUANTIZER')
    throwsCode(() => quantize(new Float32Array(3), { ...quantizer, bits: 16 }), 'BAD_QUANTIZER')
    const table = { first: 0, frequencies: [1, 2] }
    throwsCode(() => quantize(new Float32Array(3), { ...quantizer, tables: [table] }), 'BAD_QUANTIZER')
    throwsCode(() => quantize(Float32Array.of(1, Number.NaN, 0), quantizer), 'NOT_FINITE')
  })
})

describe('tables made from latents', () => {
  const plain = { kind: 'affine-static', bits: 6, scale: Math.fround(8 / 63), zeroPoint: 32 } as const

  it('code other frames of the same kind in about their cross-entropy', () => {
    const frames = normal(400 * 3 * 49, 1, 0.6)
    const quantizer = entropyQuantizer(plain, frames, 3, 49)
    const fresh = normal(3 * 49, 2, 0.6)
    const bits = 147 * Math.log2((0.6 * Math.sqrt(2 * Math.PI * Math.E)) / plain.scale)
    const { length } = quantize(fresh, quantizer).packed
    expect(length).toBeGreaterThan(0.9 * (bits / 8))
    expect(length).toBeLessThan(1.1 * (bits / 8) + 8)
  })

  it('hold each channel by itself, and leave what is rare to the escape', () => {
    const latents = Float32Array.from({ length: 20_000 }, (_, at) => (at % 20 < 10 ? 0 : 1))
    latents[0] = 3
    const { tables } = entropyQuantizer(plain, latents, 2, 10)
    expect(tables).toEqual([
      { first: 32, frequencies: [4095, 1] },
      { first: 40, frequencies: [4095, 1] },
    ])
  })

  it('need whole frames of finite values', () => {
    throwsCode(() => entropyQuantizer(plain, new Float32Array(0), 1, 1), 'BAD_OPTION')
    throwsCode(() => entropyQuantizer(plain, new Float32Array(7), 2, 3), 'BAD_OPTION')
    throwsCode(() => entropyQuantizer(plain, Float32Array.of(1, Number.NaN), 1, 2), 'NOT_FINITE')
    for (const bits of [9, 16]) {
      throwsCode(() => entropyQuantizer({ ...plain, bits }, new Float32Array(2), 1, 2), 'BAD_QUANTIZER')
    }
  })
})
