import fc from 'fast-check'
import { expect, test } from 'vitest'
import { quantile } from './quantile.ts'
import { StageTimes } from './stage-times.ts'

test('an unmeasured stage has no estimate', () => {
  const times = new StageTimes()
  expect(times.upper('head')).toBeUndefined()
  expect(times.median('head')).toBeUndefined()
  expect(times.count('head')).toBe(0)
})

test('the upper estimate is the quantile of the newest samples only', () => {
  const steady = fc.double({ min: 100, max: 120, noNaN: true })
  const samples = fc.array(steady, { minLength: 1, maxLength: 100 })
  fc.assert(
    fc.property(samples, (all) => {
      const times = new StageTimes({ window: 16, upperQuantile: 0.9 })
      for (const ms of all) times.add('tail', ms)
      expect(times.upper('tail')).toBe(quantile(all.slice(-16), 0.9))
      expect(times.longest('tail')).toBe(Math.max(...all.slice(-16)))
    }),
  )
})

test('a device that slows down is seen within one window', () => {
  const times = new StageTimes({ window: 20 })
  for (let i = 0; i < 100; i++) times.add('head', 10)
  for (let i = 0; i < 3; i++) times.add('head', 30)
  expect(times.upper('head')).toBeGreaterThan(25)
})

test('a device that cools down again is seen within ten samples: after a drift, older samples do not count', () => {
  const times = new StageTimes({ window: 32 })
  for (let i = 0; i < 32; i++) times.add('head', 30)
  expect(times.drifts('head')).toBe(0)
  for (let i = 0; i < 10; i++) times.add('head', 10)
  expect(times.drifts('head')).toBeGreaterThan(0)
  expect(times.upper('head')).toBe(10)
})

test('a drift does not forget the longest time: what must never be late counts on it', () => {
  const times = new StageTimes({ window: 32 })
  for (let i = 0; i < 10; i++) times.add('local', i === 5 ? 90 : 10)
  for (let i = 0; i < 9; i++) times.add('local', 10)
  expect(times.upper('local')).toBe(10)
  expect(times.longest('local')).toBe(90)
})

test('impossible times are not believed', () => {
  const times = new StageTimes()
  for (const ms of [Number.NaN, -1, Number.POSITIVE_INFINITY]) times.add('head', ms)
  expect(times.count('head')).toBe(0)
})

test('the quantile interpolates between order statistics', () => {
  expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5)
  expect(quantile([7], 0.9)).toBe(7)
  expect(quantile([], 0.5)).toBeNaN()
})
