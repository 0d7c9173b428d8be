import { expect, test } from 'vitest'
import { DriftDetector } from './drift-detector.ts'

const feed = (detector: DriftDetector, values: number[]) => values.map((value) => detector.add(value))
const level = (value: number, count: number) =>
  Array.from({ length: count }, (_, i) => value * (1 + 0.05 * (i % 3)))

test('a quantity that keeps its level does not drift', () => {
  expect(feed(new DriftDetector(), level(20, 200))).not.toContain(true)
})

test('a new level is told within ten samples, once', () => {
  const told = feed(new DriftDetector(), [...level(20, 30), ...level(30, 60)])
  const at = told.indexOf(true)
  expect(at).toBeGreaterThanOrEqual(30)
  expect(at).toBeLessThan(40)
  expect(told.filter(Boolean)).toHaveLength(1)
})

test('the threshold is the coefficient of variation of the newest ten samples', () => {
  const alternating = (share: number) =>
    Array.from({ length: 10 }, (_, i) => 10 * (i % 2 ? 1 + share : 1 - share))
  // Ten values at a distance of d from the mean have a sample deviation of d * sqrt(10 / 9).
  expect(feed(new DriftDetector(), alternating(0.142))).not.toContain(true)
  expect(feed(new DriftDetector(), alternating(0.143))).toContain(true)
  expect(feed(new DriftDetector({ variation: 0.2 }), alternating(0.143))).not.toContain(true)
})

test('what is always noisy is told once, and what is tiny never', () => {
  const noise = Array.from({ length: 100 }, (_, i) => (i % 2 ? 1 : 3))
  const detector = new DriftDetector()
  expect(feed(detector, noise).filter(Boolean)).toHaveLength(1)
  expect(detector.drifting).toBe(true)
  expect(feed(new DriftDetector({ leastMean: 5 }), noise)).not.toContain(true)
})

test('a drift is over when ten samples are close together again', () => {
  const detector = new DriftDetector()
  feed(detector, [...level(20, 30), ...level(60, 5)])
  expect(detector.drifting).toBe(true)
  feed(detector, level(60, 5))
  expect(detector.drifting).toBe(false)
})
