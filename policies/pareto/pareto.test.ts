import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DeepSeaTreasure, RandomStream } from '../env/index.ts'
import {
  cardinality,
  evenPreferences,
  expectedUtility,
  hypervolume,
  invertedGenerationalDistance,
  maximumUtilityLoss,
  nonDominated,
  nonDominatedFronts,
  type Point,
} from './index.ts'

const convex = new DeepSeaTreasure('convex').paretoFront()
const concave = new DeepSeaTreasure('concave').paretoFront()
const without258 = (front: readonly Point[]) => front.filter((_, at) => ![2, 5, 8].includes(at))

// Values by MORL-Baselines' definitions, worked out apart from this code.
describe('known answers of Deep Sea Treasure', () => {
  it.each([
    ['convex, reference (0, −25)', convex, [0, -25], 401.8],
    ['convex, reference (0, −50)', convex, [0, -50], 994.3],
    ['convex without three points', without258(convex), [0, -25], 387],
    ['concave, reference (0, −25)', concave, [0, -25], 1155],
    ['concave, reference (0, −50)', concave, [0, -50], 4255],
    ['concave without three points', without258(concave), [0, -25], 1073],
    [
      'three objectives',
      [
        [1, 2, 3],
        [2, 1, 3],
        [3, 1, 1],
        [1, 3, 2],
      ],
      [0, 0, 0],
      12,
    ],
  ] as const)('hypervolume: %s', (_, front, reference, volume) => {
    expect(hypervolume(front, reference)).toBeCloseTo(volume, 9)
  })

  it('utility and distance', () => {
    expect(expectedUtility(convex, evenPreferences(50))).toBeCloseTo(6.813795918, 9)
    expect(expectedUtility(convex, evenPreferences(11))).toBeCloseTo(7.167272727, 9)
    expect(expectedUtility(concave, evenPreferences(50))).toBeCloseTo(53.811428571, 9)
    expect(expectedUtility(without258(convex), evenPreferences(50))).toBeCloseTo(6.806816327, 9)
    expect(maximumUtilityLoss(without258(convex), convex, evenPreferences(50))).toBeCloseTo(0.163265306, 9)
    expect(maximumUtilityLoss(without258(concave), concave, evenPreferences(50))).toBe(0)
    expect(invertedGenerationalDistance(without258(convex), convex)).toBeCloseTo(0.700114777, 9)
    expect(invertedGenerationalDistance(without258(concave), concave)).toBeCloseTo(3.448509897, 9)
  })

  it('linear preferences find two points of the concave front', () => {
    const found = evenPreferences(1001).map((weights) => {
      const worth = concave.map((point) => point[0]! * weights[0]! + point[1]! * weights[1]!)
      return worth.indexOf(Math.max(...worth))
    })
    expect([...new Set(found)].sort((a, b) => a - b)).toEqual([0, 9])
  })
})

const cloud = (objectives: number, most = 12) =>
  fc.array(
    fc.array(fc.double({ min: 0.01, max: 1, noNaN: true }), { minLength: objectives, maxLength: objectives }),
    {
      minLength: 1,
      maxLength: most,
    },
  )

describe('hypervolume', () => {
  it.each([2, 3, 4])('is what random throws hit, %i objectives', (objectives) => {
    const random = new RandomStream(7)
    fc.assert(
      fc.property(cloud(objectives), (points) => {
        const throws = 20_000
        let hits = 0
        for (let k = 0; k < throws; k++) {
          const at = Array.from({ length: objectives }, () => random.uniform())
          if (points.some((point) => point.every((value, axis) => value >= at[axis]!))) hits++
        }
        const exact = hypervolume(points, Array(objectives).fill(0))
        // Five standard errors of a share.
        expect(Math.abs(hits / throws - exact)).toBeLessThan(5 * Math.sqrt(0.25 / throws))
      }),
      { numRuns: 5, seed: 3 },
    )
  })

  it('does not care for order or for dominated points, and never falls when a point comes', () => {
    fc.assert(
      fc.property(cloud(3), fc.double({ min: 0, max: 1, noNaN: true }), (points, share) => {
        const origin = [0, 0, 0]
        const volume = hypervolume(points, origin)
        expect(hypervolume([...points].reverse(), origin)).toBeCloseTo(volume, 12)
        const dominated = points[0]!.map((value) => value * share)
        expect(hypervolume([...points, dominated], origin)).toBeCloseTo(volume, 12)
        expect(hypervolume(points.slice(1), origin)).toBeLessThanOrEqual(volume + 1e-12)
      }),
    )
  })
})

describe('sorting', () => {
  it('puts each point in the front after all that are better', () => {
    fc.assert(
      fc.property(cloud(2, 20), (points) => {
        const fronts = nonDominatedFronts(points)
        expect(fronts.flat().sort((a, b) => a - b)).toEqual([...points.keys()])
        const rank = (at: number) => fronts.findIndex((front) => front.includes(at))
        const better = (a: Point, b: Point) => a.every((v, k) => v >= b[k]!) && a.some((v, k) => v > b[k]!)
        for (const [a, pointA] of points.entries()) {
          const ranks = points.flatMap((pointB, b) => (better(pointB, pointA) ? [rank(b)] : []))
          expect(rank(a)).toBe(ranks.length === 0 ? 0 : Math.max(...ranks) + 1)
        }
        expect(cardinality(points)).toBe(new Set(fronts[0]!.map((at) => points[at]!.join())).size)
      }),
    )
  })

  it('finds the front itself', () => {
    expect(nonDominated([...convex, [0, -30], convex[3]!]).length).toBe(10)
    expect(nonDominated([])).toEqual([])
  })
})

it.each([
  [() => hypervolume([[1, Number.NaN]], [0, 0]), /points\[0\]\[1\] is NaN/],
  [() => hypervolume([[1, 2, 3]], [0, 0]), /points\[0\] has 3 values, not 2/],
  [() => hypervolume([[1, 2]], []), /reference/],
  [() => expectedUtility([], [[1, 0]]), /points: there is no point/],
  [() => invertedGenerationalDistance([[1, 2]], [[1]]), /reference\[0\] has 1/],
])('names what is wrong with points', (call, message) => {
  expect(call).toThrow(
    expect.objectContaining({ code: 'BAD_POINTS', message: expect.stringMatching(message) }),
  )
})
