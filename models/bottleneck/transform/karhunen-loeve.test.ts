import { expect, it } from 'vitest'
import { seededRandom } from '../../data/index.ts'
import { MapStatistics } from './karhunen-loeve.ts'

/** Maps of three channels that are blends of two independent sources, one stronger than the other. */
function blends(random: ReturnType<typeof seededRandom>, places: number): Float32Array {
  const map = new Float32Array(3 * places)
  for (let place = 0; place < places; place++) {
    const [strong, weak] = [3 * random.normal(), random.normal()]
    map[place] = 5 + (strong + weak) / Math.SQRT2
    map[places + place] = -2 + (strong - weak) / Math.SQRT2
    map[2 * places + place] = 1
  }
  return map
}

it('finds the directions of most variance, and what each channel is on the average', () => {
  const random = seededRandom(1)
  const statistics = new MapStatistics(3)
  for (let map = 0; map < 200; map++) statistics.add(blends(random, 64))
  const { mean, basis, variances, kept, positive } = statistics.transform(2)
  for (const [channel, wanted] of [5, -2, 1].entries()) expect(mean[channel]).toBeCloseTo(wanted, 0)
  expect(variances[0]).toBeCloseTo(9, 0)
  expect(variances[1]).toBeCloseTo(1, 1)
  expect(kept).toBeCloseTo(1, 5)
  expect(positive).toBe(false)
  const half = Math.SQRT1_2
  const sign = Math.sign(basis[0]!)
  for (const [at, wanted] of [half, half, 0].entries()) expect(sign * basis[at]!).toBeCloseTo(wanted, 1)
  const rows = [basis.subarray(0, 3), basis.subarray(3)]
  const product = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, at) => sum + value * b[at]!, 0)
  expect(product(rows[0]!, rows[0]!)).toBeCloseTo(1, 5)
  expect(product(rows[0]!, rows[1]!)).toBeCloseTo(0, 5)
})

it('tells maps that never fall below zero, and refuses what is no number', () => {
  const statistics = new MapStatistics(2)
  statistics.add(Float32Array.of(0, 1, 2, 3))
  expect(statistics.transform(1).positive).toBe(true)
  expect(() => statistics.add(Float32Array.of(0, Number.NaN, 1, 1))).toThrow(/NaN/)
})

it('gives a transform of maps that are always the same', () => {
  const statistics = new MapStatistics(2)
  statistics.add(new Float32Array(8).fill(1))
  expect(statistics.transform(2)).toMatchObject({ variances: [0, 0], kept: 1 })
})
