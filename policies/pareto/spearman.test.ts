import { expect, it } from 'vitest'
import { spearman } from './index.ts'

it('is Spearman’s rank correlation', () => {
  expect(spearman([1, 2, 3, 4], [10, 100, 1000, 10_000])).toBe(1)
  expect(spearman([1, 2, 3, 4], [4, 3, 2, 1])).toBe(-1)
  // Worked by hand: ranks 1 2.5 2.5 4 against 1 2 4 3.
  expect(spearman([1, 2, 2, 5], [3, 5, 9, 7])).toBeCloseTo(3 / Math.sqrt(4.5 * 5), 12)
  expect(() => spearman([1], [1])).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }))
})
