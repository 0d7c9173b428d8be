import { expect, it } from 'vitest'
import { thinnedFront } from './thinned-front.ts'

/** Costs x and 1 / x, most of them near the right end, and one beside each that it beats. */
const front = Array.from({ length: 200 }, (_, at) => Math.exp(5 * (at / 199) ** 0.2)).flatMap((x) => [
  [x, 1 / x],
  [1.01 * x, 1.01 / x],
])

it('keeps ends and an even spread of a front, and nothing that is beaten', () => {
  const few = thinnedFront(front, 10)
  expect(few.length).toBeLessThanOrEqual(10)
  expect(few[0]).toEqual(front[0])
  expect(few.at(-1)![0]).toBeCloseTo(Math.exp(5), 9)
  const gaps = few.slice(2).map((costs, at) => Math.log(costs[0]! / few[at + 1]![0]!))
  expect(Math.max(...gaps)).toBeLessThan(1.5 * (5 / 9))
  for (const [x, y] of few) expect(x! * y!).toBeCloseTo(1, 9)
})

it('keeps all of a small front, and a thinned one as it is', () => {
  const few = thinnedFront(front, 10)
  expect(thinnedFront(few, 10)).toEqual(few)
  expect(thinnedFront([[2, 2]], 10)).toEqual([[2, 2]])
})
