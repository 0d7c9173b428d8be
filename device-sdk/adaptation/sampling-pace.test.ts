import { describe, expect, it } from 'vitest'
import { SamplingPace } from './sampling-pace.ts'

/** Frames at a rate, a batch of 64 that takes so long: the share of the time that batches take. */
function busyShare(pace: SamplingPace, framesPerSecond: number, costMs: number): number {
  let [nowMs, kept, busyMs] = [0, 0, 0]
  for (let frame = 0; frame < 200_000; frame++) {
    nowMs += 1000 / framesPerSecond
    if (!pace.isDue(nowMs)) continue
    pace.kept(nowMs)
    kept++
    if (kept % 64 > 0) continue
    busyMs += costMs
    nowMs += costMs
    pace.took(costMs, 64, nowMs)
  }
  return busyMs / nowMs
}

describe('the pace of samples', () => {
  it.each([
    [1000, 500],
    [100, 500],
    [100, 5000],
    [10, 20_000],
  ])('keeps to its share of the time at %i frames a second, when a batch takes %i ms', (rate, costMs) => {
    const share = busyShare(new SamplingPace(0.1), rate, costMs)
    expect(share).toBeLessThanOrEqual(0.1)
    expect(share).toBeGreaterThan(0.07)
  })

  it('has all work paid for when the next begins, however much less that takes', () => {
    const pace = new SamplingPace(0.1)
    let [nowMs, busyMs] = [0, 0]
    for (let part = 0; part < 400; part++) {
      // Every fourth part opens a session besides.
      const costMs = part % 4 === 3 ? 1000 : 10
      const frames = part % 2 === 0 ? 16 : 2
      nowMs += costMs
      busyMs += costMs
      pace.took(costMs, frames, nowMs)
      for (let kept = 0; kept < frames; kept++) {
        while (!pace.isDue(nowMs)) nowMs += 1
        pace.kept(nowMs)
      }
      expect(busyMs / nowMs).toBeLessThanOrEqual(0.1)
    }
    expect(busyMs / nowMs).toBeGreaterThan(0.09)
  })

  it('does not pay for hours in which the process stood still, whatever was being computed', () => {
    const pace = new SamplingPace(0.1)
    const hourMs = 3_600_000
    pace.took(8 * hourMs, 1, 8 * hourMs)
    expect(pace.isDue(8 * hourMs + 60_000)).toBe(false)
    expect(pace.isDue(9 * hourMs)).toBe(true)
  })

  it('keeps every frame where that is cheap', () => {
    const pace = new SamplingPace(0.1)
    pace.took(64, 64, 0)
    for (let frame = 1; frame < 100; frame++) {
      expect(pace.isDue(100 * frame)).toBe(true)
      pace.kept(100 * frame)
    }
  })
})
