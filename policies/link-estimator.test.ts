import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LinkEstimator, transferMs } from './link-estimator.ts'

/** A link in virtual time: fixed round trip, serial uplink, optional extra delay per message. */
const elapsed = (bytes: number, rateBps: number, rttMs: number, extraMs = 0) =>
  rttMs + (8000 * bytes) / rateBps + extraMs

test('there is no estimate before both a small and a large message came back', () => {
  const link = new LinkEstimator()
  expect(link.estimate(0)).toBeUndefined()
  expect(link.wantedProbe(0, 1000)).toBe('small')
  link.add({ nowMs: 0, bytes: 40, elapsedMs: 40 })
  expect(link.estimate(0)).toBeUndefined()
  expect(link.wantedProbe(0, 1000)).toBe('large')
  link.add({ nowMs: 1, bytes: 1024, elapsedMs: 73 })
  expect(link.estimate(1)).toBeDefined()
  expect(link.wantedProbe(1, 1000)).toBeUndefined()
})

test('rate and round trip of a quiet link are found exactly', () => {
  const rates = fc.integer({ min: 20_000, max: 20_000_000 })
  fc.assert(
    fc.property(rates, fc.integer({ min: 0, max: 500 }), (rateBps, rttMs) => {
      const link = new LinkEstimator()
      for (let i = 0; i < 6; i++) {
        const bytes = i % 2 ? 600 : 45
        link.add({ nowMs: i, bytes, elapsedMs: elapsed(bytes, rateBps, rttMs) })
      }
      const estimate = link.estimate(6)!
      expect(estimate.rateBps / rateBps).toBeCloseTo(1, 6)
      expect(estimate.rttMs).toBeCloseTo(rttMs, 6)
      expect(estimate.spreadMs).toBeCloseTo(0, 6)
    }),
  )
})

test('frames all of one size are enough when small probes run beside them, in spite of jitter and stalls', () => {
  const link = new LinkEstimator()
  let seed = 7
  const random = () => {
    seed = (seed * 16807) % 2147483647
    return seed / 2147483647
  }
  for (let i = 0; i < 40; i++) {
    const bytes = i % 5 === 0 ? 45 : 560
    const stallMs = random() < 0.1 ? 200 : 0
    link.add({ nowMs: i * 100, bytes, elapsedMs: elapsed(bytes, 250_000, 40, random() * 6 + stallMs) })
  }
  const estimate = link.estimate(4000)!
  expect(estimate.rateBps).toBeGreaterThan(180_000)
  expect(estimate.rateBps).toBeLessThan(330_000)
  expect(estimate.rttMs).toBeGreaterThan(35)
  expect(estimate.rttMs).toBeLessThan(50)
})

test('a link too fast to measure gets the ceiling, not a negative rate', () => {
  const link = new LinkEstimator({ maxRateBps: 1e9 })
  link.add({ nowMs: 0, bytes: 45, elapsedMs: 0.6 })
  link.add({ nowMs: 0, bytes: 1100, elapsedMs: 0.5 })
  expect(link.estimate(0)!.rateBps).toBe(1e9)
})

test('a rate that drops is seen after a few frames', () => {
  const link = new LinkEstimator()
  link.add({ nowMs: 0, bytes: 45, elapsedMs: elapsed(45, 5e6, 20) })
  for (let i = 0; i < 12; i++) link.add({ nowMs: i, bytes: 5000, elapsedMs: elapsed(5000, 5e6, 20) })
  for (let i = 0; i < 8; i++) link.add({ nowMs: 20 + i, bytes: 5000, elapsedMs: elapsed(5000, 2e5, 20) })
  expect(link.estimate(30)!.rateBps).toBeLessThan(2.2e5)
})

test('a link measured once a second is believed after two measurements', () => {
  const link = new LinkEstimator()
  for (let i = 0; i < 20; i++) {
    const bytes = i % 2 ? 1024 : 45
    link.add({ nowMs: 1000 * i, bytes, elapsedMs: elapsed(bytes, 20_000, 40) })
  }
  for (let i = 20; i < 24; i++) {
    const bytes = i % 2 ? 1024 : 45
    link.add({ nowMs: 1000 * i, bytes, elapsedMs: elapsed(bytes, 250_000, 40) })
  }
  expect(link.estimate(24_000)!.rateBps / 250_000).toBeCloseTo(1, 1)
})

test('a timeout counts as a lower bound until the late answer replaces it', () => {
  const link = new LinkEstimator({ window: 2 })
  link.add({ nowMs: 0, bytes: 45, elapsedMs: 60 })
  link.add({ nowMs: 0, bytes: 1000, elapsedMs: 70, id: 1 })
  const before = transferMs(link.estimate(0)!, 1000)
  link.addTimeout({ nowMs: 1, bytes: 1000, elapsedMs: 10, id: 2 })
  expect(transferMs(link.estimate(1)!, 1000)).toBe(before)
  link.addTimeout({ nowMs: 2, bytes: 1000, elapsedMs: 500, id: 3 })
  link.addTimeout({ nowMs: 3, bytes: 1000, elapsedMs: 500, id: 4 })
  expect(transferMs(link.estimate(3)!, 1000)).toBeCloseTo(500)
  link.add({ nowMs: 4, bytes: 1000, elapsedMs: 800, id: 3 })
  link.add({ nowMs: 4, bytes: 1000, elapsedMs: 800, id: 4 })
  expect(transferMs(link.estimate(4)!, 1000)).toBeCloseTo(800)
})

test('timeouts can be taken back when it turns out that the server had stalled', () => {
  const link = new LinkEstimator()
  link.add({ nowMs: 0, bytes: 45, elapsedMs: 20 })
  link.add({ nowMs: 0, bytes: 1000, elapsedMs: 30 })
  const before = link.estimate(0)
  for (const id of [1, 2, 3]) link.addTimeout({ nowMs: 1, bytes: 1000, elapsedMs: 500, id })
  expect(link.estimate(1)).not.toEqual(before)
  link.forgetTimeouts()
  expect(link.estimate(1)).toEqual(before)
})

test('old echoes are forgotten', () => {
  const link = new LinkEstimator({ maxAgeMs: 1000 })
  link.add({ nowMs: 0, bytes: 45, elapsedMs: 20 })
  link.add({ nowMs: 500, bytes: 1000, elapsedMs: 30 })
  expect(link.estimate(900)).toBeDefined()
  expect(link.estimate(1200)).toBeUndefined()
})
