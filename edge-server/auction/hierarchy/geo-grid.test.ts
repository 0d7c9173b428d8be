import { seededRandom } from '@isthmus/models/data'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GeoGrid } from './geo-grid.ts'

const points = (seed: number, count: number) => {
  const random = seededRandom(seed)
  // Clumped, so that squares are anything from empty to full.
  const at = () => (random.uniform() < 0.5 ? 100 * random.uniform() : 40 + random.uniform())
  const x = Float64Array.from({ length: count }, at)
  const y = Float64Array.from({ length: count }, at)
  return { x, y, all: Uint32Array.from({ length: count }, (_, k) => k) }
}

const cases = fc.tuple(
  fc.nat(),
  fc.integer({ min: 1, max: 200 }),
  fc.double({ min: -50, max: 150, noNaN: true }),
  fc.double({ min: -50, max: 150, noNaN: true }),
  fc.oneof(fc.double({ min: 0, max: 200, noNaN: true }), fc.constant(Number.POSITIVE_INFINITY)),
)

describe('the grid of places', () => {
  it('misses nobody within the radius, and names nobody twice', () => {
    fc.assert(
      fc.property(cases, ([seed, count, x, y, radius]) => {
        const { x: xs, y: ys, all } = points(seed, count)
        const seen: number[] = []
        new GeoGrid(xs, ys, all).near(x, y, radius, (point) => seen.push(point))
        expect(new Set(seen).size).toBe(seen.length)
        for (const point of all) {
          if (Math.hypot(xs[point]! - x, ys[point]! - y) <= radius) expect(seen).toContain(point)
        }
      }),
    )
  })

  it('finds the nearest that are wanted, as looking at all would', () => {
    fc.assert(
      fc.property(cases, ([seed, count, x, y, radius]) => {
        const { x: xs, y: ys, all } = points(seed, count)
        const far = (point: number) => Math.hypot(xs[point]! - x, ys[point]! - y)
        const isWanted = (point: number) => point % 3 !== 0
        const expected = [...all]
          .filter((point) => isWanted(point) && far(point) <= radius)
          .sort((a, b) => far(a) - far(b) || a - b)
          .slice(0, 5)
        expect(new GeoGrid(xs, ys, all).nearest(x, y, radius, 5, isWanted)).toEqual(expected)
      }),
    )
  })

  it('finds a radius with few enough around', () => {
    const { x, y, all } = points(1, 200)
    const grid = new GeoGrid(x, y, all)
    const within = (radius: number) => {
      let count = 0
      grid.near(40.5, 40.5, radius, () => count++)
      return count
    }
    expect(grid.radiusOf(40.5, 40.5, 70, 200)).toBe(70)
    const small = grid.radiusOf(40.5, 40.5, 70, 60)
    expect(small).toBeLessThan(70)
    expect(within(small)).toBeLessThanOrEqual(60)
  })

  it('stays small for points on a line, in one place, and for one that is far away', () => {
    const line = Float64Array.from({ length: 100 }, (_, k) => k)
    const zero = new Float64Array(100)
    const all = Uint32Array.from({ length: 100 }, (_, k) => k)
    expect(new GeoGrid(line, zero, all).nearest(7.2, 0, 3, 1, () => true)).toEqual([7])
    expect(new GeoGrid(zero, zero, all).nearest(0, 0, 0, 2, () => true)).toEqual([0, 1])
    const outlier = line.slice()
    outlier[99] = 1e12
    expect(new GeoGrid(outlier, zero, all).nearest(3.1, 0, 1, 1, () => true)).toEqual([3])
    expect(new GeoGrid(line, zero, new Uint32Array(0)).nearest(0, 0, 1e9, 1, () => true)).toEqual([])
  })
})
