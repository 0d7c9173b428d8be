import { describe, expect, it } from 'vitest'
import { cosine, formatDuration, milestones, triangle } from './index.ts'

describe('learning-rate schedules', () => {
  it('triangle rises to its peak and falls to nothing', () => {
    const rate = triangle(1, 100, 0.2)
    expect(rate(0)).toBeCloseTo(0.2)
    expect(rate(20)).toBeCloseTo(1)
    expect(rate(60)).toBeCloseTo(0.5)
    expect(rate(100)).toBeCloseTo(0)
  })

  it('milestones step down by a factor', () => {
    const rate = milestones(1, [5, 8])
    expect([4, 5, 7, 8].map(rate)).toEqual([1, 0.1, 0.1, 0.1 ** 2])
  })

  it('cosine warms up, then falls to nothing', () => {
    const rate = cosine(1, 100, 0.1)
    expect(rate(0)).toBeLessThan(0.1)
    expect(rate(10)).toBeCloseTo(1)
    expect(rate(55)).toBeCloseTo(0.5)
    expect(rate(100)).toBeCloseTo(0)
  })
})

describe('formatDuration', () => {
  it('speaks in hours, minutes or seconds', () => {
    expect([12, 200, 3900].map(formatDuration)).toEqual(['12 s', '3 min 20 s', '1 h 05 min'])
  })
})
