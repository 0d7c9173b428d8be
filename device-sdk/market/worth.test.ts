import type { ModeEstimate } from '@isthmus/policies'
import { describe, expect, test } from 'vitest'
import { edgeWorth } from './worth.ts'

const mode = (route: 'local' | 'split', accuracy: number, ms: number, energyJ: number): ModeEstimate => ({
  mode: 1,
  route,
  accuracy,
  payloadBytes: route === 'local' ? 0 : 1000,
  deviceMs: ms,
  serverMs: 0,
  energyJ,
})
const local = mode('local', 0.7, 80, 1)
const split = mode('split', 0.9, 20, 0.3)

describe('what the edge is worth', () => {
  test('is more the more it saves of what the user looks at', () => {
    const better = edgeWorth([local, split], { accuracy: 1 }, 100, undefined)
    expect(better).toBeCloseTo(2 / 3, 6)
    expect(edgeWorth([local, mode('split', 0.75, 20, 0.3)], { accuracy: 1 }, 100, undefined)).toBeLessThan(
      better,
    )
    expect(edgeWorth([local, split], { delay: 1 }, 100, undefined)).toBeCloseTo(0.75, 6)
    expect(edgeWorth([local, split], { energy: 1 }, 100, undefined)).toBeCloseTo(0.7, 6)
  })

  test('looks at delay and accuracy alike where the user has said nothing, or only noughts', () => {
    const both = edgeWorth([local, split], { delay: 1, accuracy: 1 }, 100, undefined)
    expect(edgeWorth([local, split], {}, 100, undefined)).toBe(both)
    expect(edgeWorth([local, split], { delay: 0, energy: 0 }, 100, undefined)).toBe(both)
  })

  test('is less over a slower link, and nothing where the edge only costs', () => {
    const link = (rateBps: number) => ({ rateBps, rttMs: 5, ageMs: 0 }) as never
    const over = (rateBps: number) => edgeWorth([local, split], { delay: 1 }, 100, link(rateBps))
    expect(over(1e6)).toBeLessThan(over(1e7))
    expect(over(1e5)).toBe(0)
  })

  test('is all of the budget without a local mode, and nothing without a remote one', () => {
    expect(edgeWorth([split], {}, 100, undefined)).toBe(1)
    expect(edgeWorth([local], {}, 100, undefined)).toBe(0)
    expect(edgeWorth([], {}, 100, undefined)).toBe(0)
  })
})
