import { clockUs32 } from '@isthmus/proto'
import { describe, expect, it } from 'vitest'
import { deadlineOf, transitMs } from './time-left.ts'

const at = (nowMs: number, times: { budgetUs: number; receiverUs?: number }, longestMs = 10_000) =>
  deadlineOf(times, nowMs, clockUs32(nowMs), longestMs) - nowMs

describe('the deadline of a request', () => {
  it('is its budget from now on when nobody knows how long it was on its way', () => {
    expect(at(1000, { budgetUs: 50_000 })).toBeCloseTo(50)
  })

  it('is less the time it was on its way', () => {
    expect(at(1000, { budgetUs: 50_000, receiverUs: clockUs32(980) })).toBeCloseTo(30)
    expect(at(1000, { budgetUs: 50_000, receiverUs: clockUs32(940) })).toBeLessThan(0)
  })

  it('takes an estimate from the future, or of another life, for no estimate', () => {
    expect(at(1000, { budgetUs: 50_000, receiverUs: clockUs32(1005) })).toBeCloseTo(50)
    expect(at(1000, { budgetUs: 50_000, receiverUs: clockUs32(2_400_000) })).toBeCloseTo(50)
    expect(at(90_000, { budgetUs: 50_000, receiverUs: clockUs32(10) })).toBeCloseTo(50)
  })

  it('survives the wrap of the 32-bit clock', () => {
    const nowMs = 2 ** 32 / 1000 + 5
    expect(transitMs(clockUs32(nowMs - 10), clockUs32(nowMs))).toBeCloseTo(10, 2)
  })

  it('is bounded, with or without a budget', () => {
    expect(at(1000, { budgetUs: 0 }, 700)).toBe(700)
    expect(at(1000, { budgetUs: 4_000_000_000 }, 700)).toBe(700)
  })
})
