import { expect, it } from 'vitest'
import { lateByMs } from './lateness.ts'
import { stalledMs } from './stalls.ts'

it('counts overlapping stalls once, and only inside the time asked for', () => {
  const stalls = [
    { fromMs: 30, toMs: 50 },
    { fromMs: 10, toMs: 35 },
    { fromMs: 70, toMs: 90 },
  ]
  expect(stalledMs(stalls, 0, 100)).toBe(60)
  expect(stalledMs(stalls, 20, 40)).toBe(20)
  expect(stalledMs(stalls, 51, 69)).toBe(0)
})

it('takes a stall around the deadline off an answer that is late, and no other', () => {
  const late = { askedMs: 1000, answeredMs: 1130 }
  expect(lateByMs(late, 100, [])).toBe(30)
  expect(lateByMs(late, 100, [{ fromMs: 1095, toMs: 1125 }])).toBe(0)
  expect(lateByMs(late, 100, [{ fromMs: 1010, toMs: 1060 }])).toBe(30)
  expect(lateByMs({ askedMs: 1000, answeredMs: 1099 }, 100, [])).toBe(0)
})
