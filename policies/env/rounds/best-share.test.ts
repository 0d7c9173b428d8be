import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bestShare, dividedEndS, LEAST_SHARE, type PartTimes } from './index.ts'

const at = (times: Partial<PartTimes>): PartTimes => ({
  queueS: 0,
  waitS: 0,
  transferS: 0,
  executionS: 0,
  returnS: 0,
  ...times,
})

describe('how a task is best divided', () => {
  it('is so that both ends come together', () => {
    // A server four times as quick and no way there: four fifths.
    const { share, endS } = bestShare(at({ executionS: 1 }), at({ executionS: 4 }))
    expect(share).toBeCloseTo(0.8, 12)
    expect(endS).toBeCloseTo(0.8, 12)
    // Half of a second to send it: 1.5 r = 4 (1 − r).
    expect(bestShare(at({ executionS: 1, transferS: 0.5 }), at({ executionS: 4 })).share).toBeCloseTo(
      4 / 5.5,
      12,
    )
  })

  it('is not at all where the device has too much to do, or cannot', () => {
    expect(bestShare(at({ executionS: 1 }), at({ executionS: 1, queueS: 2 }))).toEqual({ share: 1, endS: 1 })
    expect(bestShare(at({ executionS: 1 }), at({ executionS: Infinity })).share).toBe(1)
  })

  it('is never beaten by any other share', () => {
    const seconds = fc.double({ min: 0, max: 10, noNaN: true })
    const times = fc.record({
      queueS: seconds,
      waitS: seconds,
      transferS: seconds,
      executionS: seconds,
      returnS: seconds,
    })
    fc.assert(
      fc.property(times, times, (server, device) => {
        const { share, endS } = bestShare(server, device)
        expect(share).toBeGreaterThanOrEqual(LEAST_SHARE)
        expect(endS).toBe(dividedEndS(server, device, share))
        for (let step = 0; step <= 200; step++) {
          const other = LEAST_SHARE + ((1 - 2 * LEAST_SHARE) * step) / 200
          expect(dividedEndS(server, device, other)).toBeGreaterThanOrEqual(endS - 1e-9)
        }
        expect(dividedEndS(server, device, 1)).toBeGreaterThanOrEqual(endS)
      }),
    )
  })
})
