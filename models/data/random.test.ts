import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { finish32, hash32, mix32, seededRandom, shuffledIndices } from './random.ts'

describe('seeded random', () => {
  it('gives the same numbers for the same seed, on every machine', () => {
    const random = seededRandom(2024)
    expect([random.below(1000), random.below(1000), random.below(1000)]).toEqual([439, 326, 21])
  })

  it('gives unrelated streams for neighbouring seeds and for coordinates of one seed', () => {
    const first = (...stream: number[]) => seededRandom(...stream).uniform()
    const values = Array.from({ length: 100 }, (_, k) => [first(k), first(7, k), first(k, 7)]).flat()
    expect(new Set(values).size).toBeGreaterThanOrEqual(299) // 7, 7 is in two lists
    const mean = values.reduce((a, b) => a + b) / values.length
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.06) // 3.6 σ of 300 uniform values
  })

  it('stays below its limit, reaches every value and refuses other limits', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 2 ** 32 }), (seed, limit) => {
        const value = seededRandom(seed).below(limit)
        return Number.isInteger(value) && value >= 0 && value < limit
      }),
    )
    const random = seededRandom(1)
    expect(new Set(Array.from({ length: 200 }, () => random.below(7))).size).toBe(7)
    for (const limit of [0, -1, 1.5, Number.NaN, 2 ** 32 + 1]) {
      expect(() => random.below(limit)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }))
    }
  })

  it('is uniform in [0, 1) and normal with mean 0 and variance 1', () => {
    const random = seededRandom(5)
    const moments = (draw: () => number) => {
      const values = Float64Array.from({ length: 20_000 }, draw)
      const mean = values.reduce((a, b) => a + b) / values.length
      return {
        mean,
        variance: values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length,
        low: values.reduce((a, b) => Math.min(a, b)),
        high: values.reduce((a, b) => Math.max(a, b)),
      }
    }
    const uniform = moments(random.uniform)
    expect(uniform.low).toBeGreaterThanOrEqual(0)
    expect(uniform.high).toBeLessThan(1)
    expect(uniform.mean).toBeCloseTo(0.5, 2)
    expect(uniform.variance).toBeCloseTo(1 / 12, 2)
    const normal = moments(random.normal)
    expect(Math.abs(normal.mean)).toBeLessThan(0.03)
    expect(Math.abs(normal.variance - 1)).toBeLessThan(0.04)
    expect(normal.high).toBeGreaterThan(3)
    expect(normal.low).toBeLessThan(-3)
  })
})

describe('shuffled indices', () => {
  it('holds each index once', () => {
    fc.assert(
      fc.property(fc.nat(300), fc.integer(), (n, seed) => {
        const sorted = [...shuffledIndices(n, seededRandom(seed)).toSorted()]
        expect(sorted).toEqual(Array.from({ length: n }, (_, k) => k))
      }),
    )
  })

  it('makes every order of four about equally often', () => {
    const random = seededRandom(3)
    const times = new Map<string, number>()
    for (let k = 0; k < 24_000; k++) {
      const order = shuffledIndices(4, random).join()
      times.set(order, (times.get(order) ?? 0) + 1)
    }
    expect(times.size).toBe(24)
    for (const count of times.values()) expect(Math.abs(count - 1000)).toBeLessThan(150) // 4.8 σ
  })

  it('fills a given array, whatever was in it', () => {
    const out = new Uint32Array(10).fill(99)
    expect(shuffledIndices(10, seededRandom(1), out)).toBe(out)
    expect(out).toEqual(shuffledIndices(10, seededRandom(1)))
    expect(() => shuffledIndices(9, seededRandom(1), out)).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION' }),
    )
  })
})

describe('hash32', () => {
  it('is MurmurHash3 x86 32 with seed 0 over little-endian words', () => {
    // Published values: no input, four zero bytes, 0xffffffff, 0x87654321.
    expect(hash32()).toBe(0)
    expect(hash32(0)).toBe(0x2362f9de)
    expect(hash32(0xffffffff)).toBe(0x76293b50)
    expect(hash32(0x87654321)).toBe(0xf55b516b)
  })

  it('equals its steps', () => {
    expect(finish32(mix32(mix32(0, 5), -3), 2)).toBe(hash32(5, -3))
  })
})
