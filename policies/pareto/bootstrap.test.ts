import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RandomStream } from '../env/index.ts'
import { hypervolume, pairedRatioInterval } from './index.ts'

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

/** Pairs whose common part is far larger than what tells them apart: ours is 1.1 times theirs in the mean. */
function pairs(count: number, random: RandomStream): { ours: number[]; theirs: number[] } {
  const theirs = Array.from({ length: count }, () => 10 + 5 * random.uniform())
  return { theirs, ours: theirs.map((value) => 1.1 * value + 0.3 * random.normal()) }
}

describe('paired bootstrap', () => {
  it('holds the true ratio about as often as it says', () => {
    const random = new RandomStream(1)
    let held = 0
    for (let run = 0; run < 250; run++) {
      const { ours, theirs } = pairs(40, random)
      const { low, high } = pairedRatioInterval(ours, theirs, mean, { random, resamples: 150 })
      if (low <= 1.1 && 1.1 <= high) held++
    }
    // 95 % less what 40 pairs and 150 resamples take from it; the standard error of a share of 250 is 1.4 %.
    expect(held / 250).toBeGreaterThan(0.88)
    expect(held / 250).toBeLessThan(0.985)
  })

  it('is narrow because of the pairs', () => {
    const random = new RandomStream(2)
    const { ours, theirs } = pairs(40, random)
    const paired = pairedRatioInterval(ours, theirs, mean, { random })
    const mixed = pairedRatioInterval(ours, [...theirs].sort(), mean, { random })
    expect(mixed.ratio).toBeCloseTo(paired.ratio, 12)
    expect(paired.high - paired.low).toBeLessThan((mixed.high - mixed.low) / 3)
  })

  it('takes a hypervolume of mean points, and is a point when all pairs have the same ratio', () => {
    const ours = [1, 2, 3, 4].map((value) => [2 * value, 3 * value])
    const theirs = ours.map(([a, b]) => [a! / 2, b! / 2])
    const volume = (points: readonly number[][]) =>
      hypervolume([[0, 1].map((axis) => mean(points.map((point) => point[axis]!)))], [0, 0])
    const { ratio, low, high } = pairedRatioInterval(ours, theirs, volume, { random: new RandomStream(3) })
    for (const value of [ratio, low, high]) expect(value).toBeCloseTo(4, 12)
  })

  it('repeats itself by seed, and grows with the numerator', () => {
    const value = fc.double({ min: 1, max: 9, noNaN: true })
    fc.assert(
      fc.property(
        fc.array(fc.tuple(value, value), { minLength: 2, maxLength: 12 }),
        value,
        (sample, factor) => {
          const interval = (times: number) =>
            pairedRatioInterval(
              sample.map(([ours]) => times * ours),
              sample.map(([, theirs]) => theirs),
              mean,
              { random: new RandomStream(4), resamples: 100 },
            )
          const { ratio, low, high } = interval(1)
          expect(interval(1)).toEqual({ ratio, low, high })
          expect(low).toBeLessThanOrEqual(high)
          expect(interval(factor).ratio).toBeCloseTo(factor * ratio, 9)
          expect(interval(factor).low).toBeCloseTo(factor * low, 9)
          expect(interval(factor).high).toBeCloseTo(factor * high, 9)
        },
      ),
      { numRuns: 20 },
    )
  })

  it.each([
    ['one pair', [1], [1], {}, /two pairs/],
    ['lengths that differ', [1, 2], [1, 2, 3], {}, /3 entries beside 2/],
    ['a ratio to nothing', [1, 2], [0, 0], {}, /no finite number/],
    ['few resamples', [1, 2], [1, 2], { resamples: 3 }, /resamples is 3/],
    ['certainty', [1, 2], [1, 2], { confidence: 1 }, /confidence is 1/],
  ])('refuses %s', (_, ours, theirs, options, message) => {
    const call = () => pairedRatioInterval(ours, theirs, mean, { random: new RandomStream(5), ...options })
    expect(call).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringMatching(message) }),
    )
  })
})
