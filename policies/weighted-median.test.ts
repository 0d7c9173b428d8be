import fc from 'fast-check'
import { expect, test } from 'vitest'
import { weightedMedian } from './weighted-median.ts'

test('of nothing is 0, of one value that value', () => {
  expect(weightedMedian(new Float64Array(3), new Float64Array(3), 0)).toBe(0)
  expect(weightedMedian(Float64Array.of(7, 9), Float64Array.of(2, 2), 1)).toBe(7)
})

test('is where half of the weight is reached, as a sort finds it', () => {
  const pair = fc.record({ value: fc.integer({ min: -9, max: 9 }), weight: fc.integer({ min: 1, max: 100 }) })
  fc.assert(
    fc.property(fc.array(pair, { minLength: 1, maxLength: 40 }), (pairs) => {
      const sorted = pairs.toSorted((a, b) => a.value - b.value)
      let rest = pairs.reduce((sum, { weight }) => sum + weight, 0) / 2
      const expected = sorted.find(({ weight }) => {
        rest -= weight
        return rest <= 0
      })!.value
      const values = Float64Array.from(pairs, ({ value }) => value)
      const weights = Float64Array.from(pairs, ({ weight }) => weight)
      expect(weightedMedian(values, weights, pairs.length)).toBe(expected)
      expect(values.toSorted()).toEqual(Float64Array.from(sorted, ({ value }) => value))
    }),
  )
})

test('ends for values that are no numbers', () => {
  const values = Float64Array.of(Number.NaN, 1, Number.NaN, 2)
  expect(weightedMedian(values, new Float64Array(4).fill(1), 4)).toEqual(expect.any(Number))
})
