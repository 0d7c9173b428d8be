import fc from 'fast-check'
import { expect, test } from 'vitest'
import { breakEvenRate, type CostLine, costMs, winnerMap } from './break-even.ts'

const line: fc.Arbitrary<CostLine> = fc.record({
  fixedMs: fc.integer({ min: 0, max: 2000 }),
  bytes: fc.integer({ min: 0, max: 100_000 }),
})

test('both ways take the same time at the break-even rate, and the heavier one wins above it', () => {
  fc.assert(
    fc.property(line, line, (a, b) => {
      const rateBps = breakEvenRate(a, b)
      if (rateBps === undefined) {
        const sign = (rate: number) => Math.sign(costMs(a, rate) - costMs(b, rate))
        const signs = [1e2, 1e4, 1e6, 1e8, 1e12].map(sign).filter((s) => s !== 0)
        expect(new Set(signs).size).toBeLessThanOrEqual(1)
        return
      }
      expect(costMs(a, rateBps)).toBeCloseTo(costMs(b, rateBps), 5)
      const [heavy, light] = a.bytes > b.bytes ? [a, b] : [b, a]
      expect(costMs(heavy, rateBps * 1.01)).toBeLessThanOrEqual(costMs(light, rateBps * 1.01))
      expect(costMs(heavy, rateBps * 0.99)).toBeGreaterThanOrEqual(costMs(light, rateBps * 0.99))
    }),
  )
})

test('the winner map agrees with brute force at every rate', () => {
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 6 }), (lines) => {
      const map = winnerMap(lines)
      expect(map.length).toBeLessThanOrEqual(lines.length)
      for (let exponent = 1; exponent < 11; exponent += 0.37) {
        const rateBps = 10 ** exponent
        const winner = map.findLast(({ fromBps }) => fromBps <= rateBps)!
        const bestMs = Math.min(...lines.map((candidate) => costMs(candidate, rateBps)))
        const chosenMs = costMs(lines[winner.index]!, rateBps)
        expect(chosenMs - bestMs).toBeLessThanOrEqual(1e-9 * Math.max(1, chosenMs))
      }
    }),
  )
})

test('local, split and full offload have at most two thresholds, in that order', () => {
  const local = { fixedMs: 400, bytes: 0 }
  const split = { fixedMs: 90, bytes: 10_100 }
  const jpeg = { fixedMs: 60, bytes: 43_000 }
  const map = winnerMap([jpeg, split, local])
  expect(map.map(({ index }) => index)).toEqual([2, 1, 0])
  expect(map[1]!.fromBps).toBeCloseTo((8000 * 10_100) / 310)
  expect(map[2]!.fromBps).toBeCloseTo((8000 * 32_900) / 30)
})
