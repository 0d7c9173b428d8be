import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { median, medianInterval, pairedDifferenceInterval, proportionInterval } from './statistics.ts'

describe('median', () => {
  it('is the middle of an odd number of values and between the two middle ones of an even number', () => {
    expect(median([5, 1, 3])).toBe(3)
    expect(median([4, 1, 3, 2])).toBe(2.5)
    expect(median([])).toBeNaN()
  })
})

describe('proportionInterval', () => {
  it("gives Wilson's published limits", () => {
    // Newcombe 1998, table I: 81 of 263, and 0 of 20.
    const [low, high] = proportionInterval(81, 263)
    expect(low).toBeCloseTo(0.2553, 4)
    expect(high).toBeCloseTo(0.3662, 4)
    expect(proportionInterval(0, 20)[1]).toBeCloseTo(0.1611, 4)
  })

  it('holds the proportion and stays within 0 and 1', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (count, share) => {
          const hits = Math.round(share * count)
          const [low, high] = proportionInterval(hits, count)
          expect(low).toBeLessThanOrEqual(hits / count + 1e-12)
          expect(high).toBeGreaterThanOrEqual(hits / count - 1e-12)
          expect(low).toBeGreaterThanOrEqual(-1e-12)
          expect(high).toBeLessThanOrEqual(1 + 1e-12)
        },
      ),
    )
  })
})

describe('pairedDifferenceInterval', () => {
  it('depends on the items alone on which the two differ', () => {
    const [low, high] = pairedDifferenceInterval(60, 40, 10_000)
    // (60 - 40) / 10000 ± 1.96 · √(100 - 0.04) / 10000
    expect(low).toBeCloseTo(0.002 - 0.0019596, 6)
    expect(high).toBeCloseTo(0.002 + 0.0019596, 6)
  })

  it('is a point when the two never differ', () => {
    expect(pairedDifferenceInterval(0, 0, 100)).toEqual([0, 0])
  })
})

describe('medianInterval', () => {
  const upTo = (count: number) => Array.from({ length: count }, (_, at) => at + 1).reverse()

  it('takes the tabulated order statistics', () => {
    // Conover, table A3 with n = 9, 15, 20 and p = 1/2: ranks 2 and 8, 4 and 12, 6 and 15.
    expect(medianInterval(upTo(9))).toEqual([2, 8])
    expect(medianInterval(upTo(15))).toEqual([4, 12])
    expect(medianInterval(upTo(20))).toEqual([6, 15])
  })

  it('is the whole range of fewer values than can give 95 %', () => {
    expect(medianInterval(upTo(5))).toEqual([1, 5])
    expect(medianInterval(upTo(6))).toEqual([1, 6])
    expect(medianInterval([7])).toEqual([7, 7])
  })
})

it('gives the interval of a median for thousands of values, as near to it as for hundreds', () => {
  const of = (count: number) => medianInterval(Array.from({ length: count }, (_, at) => at / (count - 1)))
  for (const count of [500, 501, 5000, 100_000]) {
    const [low, high] = of(count)
    const half = 0.98 / Math.sqrt(count)
    expect(low).toBeCloseTo(0.5 - half, 2)
    expect(high).toBeCloseTo(0.5 + half, 2)
    expect(low).toBeLessThan(0.5)
  }
})
