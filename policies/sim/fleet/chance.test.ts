import { describe, expect, it } from 'vitest'
import { quantile } from '../../quantile.ts'
import { hashedSize, hashedUniform } from './hashed-random.ts'
import { LatencyHistogram } from './latency-histogram.ts'

const many = 200_000

describe('hashed random numbers', () => {
  it('are uniform, and unrelated between seeds, streams and counters', () => {
    const ways = [
      (at: number) => hashedUniform(1, 2, at),
      (at: number) => hashedUniform(1, at, 2),
      (at: number) => hashedUniform(at, 1, 2),
    ]
    for (const way of ways) {
      let sum = 0
      let square = 0
      let next = 0
      const bins = new Float64Array(20)
      for (let at = 0; at < many; at++) {
        const value = way(at)
        sum += value
        square += value * value
        next += (value - 0.5) * (way(at + 1) - 0.5)
        bins[Math.floor(20 * value)]!++
      }
      expect(sum / many).toBeCloseTo(0.5, 2)
      expect(square / many).toBeCloseTo(1 / 3, 2)
      expect(next / many).toBeCloseTo(0, 2)
      for (const count of bins) expect(Math.abs((20 * count) / many - 1)).toBeLessThan(0.05)
    }
  })

  it.each([0, 1, 3])('sizes have mean 1 and the variation that is asked for: %f', (variation) => {
    let sum = 0
    let square = 0
    for (let at = 0; at < many; at++) {
      const size = hashedSize(7, 3, at, variation)
      sum += size
      square += size * size
    }
    expect(sum / many).toBeCloseTo(1, 1)
    expect(square / many - (sum / many) ** 2).toBeGreaterThan(0.95 * variation - 1e-9)
    expect(square / many - (sum / many) ** 2).toBeLessThan(1.05 * variation + 1e-9)
  })
})

describe('latencies', () => {
  it('have quantiles to within half a percent, and an exact mean', () => {
    const histogram = new LatencyHistogram()
    const values = Array.from({ length: 5000 }, (_, at) => hashedSize(1, 1, at, 3))
    for (const value of values) histogram.add(value)
    for (const share of [0.5, 0.95, 0.99]) {
      expect(histogram.quantileS(share) / quantile(values, share)).toBeGreaterThan(0.99)
      expect(histogram.quantileS(share) / quantile(values, share)).toBeLessThan(1.01)
    }
    expect(histogram.meanS).toBeCloseTo(values.reduce((sum, value) => sum + value, 0) / 5000, 12)
    expect(new LatencyHistogram().quantileS(0.5)).toBeNaN()
  })
})
